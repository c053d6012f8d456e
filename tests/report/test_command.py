"""`calando report STUDY` as a person types it."""

import pytest
from click.testing import CliRunner

from calando.cli.report import report
from calando.errors import BadFile
from tests.report import studies


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("command") / "small"
    studies.write(place, horizon=60, select=(0, 1), confirm=(1000, 1001))
    return place


def call(*words):
    return CliRunner().invoke(report, [str(w) for w in words], catch_exceptions=False)


def test_the_page_lands_in_the_study_and_its_path_is_told(folder):
    done = call(folder, "--static")
    assert done.exit_code == 0
    assert done.output.startswith(str(folder / "report.html"))
    assert (folder / "report.html").stat().st_size > 50_000


def test_the_file_inside_the_study_is_taken_too_and_out_is_obeyed(folder, tmp_path):
    done = call(folder / "study.sqlite3", "--static", "--out", tmp_path / "a.html")
    assert done.exit_code == 0
    assert (tmp_path / "a.html").exists()


def test_text_prints_the_page_and_writes_nothing(tmp_path):
    studies.write(tmp_path / "s", horizon=60, select=(0, 1), confirm=(1000, 1001))
    done = call(tmp_path / "s", "--text")
    assert "VERDICT" in done.output
    assert not (tmp_path / "s" / "report.html").exists()


def test_a_study_that_is_not_there_is_our_own_error(tmp_path):
    with pytest.raises(BadFile, match="no such study"):
        call(tmp_path / "nowhere")


def test_a_page_is_made_without_torch(folder, tmp_path):
    import subprocess
    import sys

    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from calando.records import load; from calando.report import write_html\n"
        f"write_html(load({str(folder)!r}), {str(tmp_path / 'page.html')!r}, static=True)\n"
        "assert not [m for m in sys.modules if m.startswith(('calando.lab', 'calando.torch', 'plotly'))]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
    assert (tmp_path / "page.html").exists()
