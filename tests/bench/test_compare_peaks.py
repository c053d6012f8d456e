"""What the page on compare claims of carried-over peaks is what a replay of the records gives."""

from pathlib import Path

from bench.forecasting.compare_peaks import HERE, nearest, rows, text

PAGE = Path(__file__).parents[2] / "docs" / "compare.md"


def test_the_stored_table_is_what_the_records_give_and_the_page_quotes_it() -> None:
    told = text(rows())
    assert told == (HERE / "compare_peaks.md").read_text()
    page = PAGE.read_text().split("## Carried over or common")[1].split("\n## ")[0]
    for heading, shown in (("best guess", "with a best guess"), ("range alone", "with a range alone")):
        table = told.split(f"## Shapes with a {heading}")[1].split("\n## ")[0]
        means = next(line for line in table.splitlines() if line.startswith("| all |")).strip("| ").split(" | ")[1:]
        quoted = next(line for line in page.splitlines() if shown in line).strip("| ").split(" | ")[1:]
        assert [cell.split()[0] for cell in quoted] == means


def test_a_peak_is_put_on_the_nearest_recorded_one_in_octaves() -> None:
    assert nearest(0.15, (0.1, 0.2, 0.4)) == 0.2
    assert nearest(0.14, (0.1, 0.2, 0.4)) == 0.1
