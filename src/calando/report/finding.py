"""The picture of a search for the peak: range tests by seed, the rules' marks, mini-runs with their parabolas."""

import math
from html import escape
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from calando.errors import MissingExtra
from calando.records.finding import Finding, RangeReading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["finding_html", "finding_png", "finding_svg", "write_finding"]

SEEDS: Final = ("#4477aa", "#228833", "#aa3377", "#ccbb44", "#66ccee")
RULES: Final = {"steepest": ":", "valley": "-.", "minimum / 10": "--", "edge": "-"}
INK, BAND, BEST = "#333333", "#f3d9b1", "#cc6611"


def finding_svg(found: Finding) -> str:
    """The picture as one self-contained SVG.

    Raises:
        MissingExtra: without matplotlib.
    """
    import matplotlib as mpl

    text = StringIO()
    with mpl.rc_context({"svg.hashsalt": "calando", "svg.fonttype": "none"}):
        _figure(found).savefig(text, format="svg", metadata={"Date": None, "Creator": "Calando"})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def finding_png(found: Finding) -> bytes:
    """The picture as PNG.

    Raises:
        MissingExtra: without matplotlib.
    """
    data = BytesIO()
    _figure(found).savefig(data, format="png", dpi=120, metadata={"Software": "Calando"})
    return data.getvalue()


def finding_html(found: Finding) -> str:
    """One self-contained page: the answer, the picture, the numbers; every text of the user's escaped."""
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in found.sentences)
    doubts = "".join(f"<li>{escape(doubt)}</li>" for doubt in found.not_proven)
    rows = "".join(
        f"<tr><td>{m.horizon}</td><td>{m.peak:g}</td><td>{m.seed}</td>"
        f"<td>{escape(m.status) if m.value is None else f'{m.value:.5g}'}</td>"
        f"<td>{'-' if m.train is None else f'{m.train:.5g}'}</td></tr>"
        for m in found.minis
    )
    marks = "".join(
        f"<tr><td>{escape(mark.rule)}</td><td>{_rate(mark.rate)}</td>"
        f"<td>{', '.join(_rate(rate) for _, rate in mark.by_seed)}</td></tr>"
        for mark in (found.reading.marks if found.reading else ())
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(_capital(found.headline))}</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
        "svg{width:100%;height:auto}table{border-collapse:collapse;margin:1rem 0}"
        "td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #ddd}</style></head><body>"
        f"<h1>{escape(_capital(found.headline))}</h1><p>{escape(found.train)}</p>{finding_svg(found)}{said}"
        f"<h2>Not proven</h2><ul>{doubts}</ul>"
        f"<h2>Range tests</h2><table><tr><th>rule</th><th>all seeds</th><th>by seed</th></tr>{marks}</table>"
        f"<h2>Mini-runs</h2><table><tr><th>updates</th><th>peak</th><th>seed</th><th>{escape(found.metric)}</th>"
        f"<th>training loss, last sixth</th></tr>{rows}</table></body></html>\n"
    )


def write_finding(found: Finding, folder: Path) -> list[Path]:
    """Write find.html, find.svg and find.png into a folder; gives their paths.

    Raises:
        MissingExtra: without matplotlib.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page, vector, pixels = (folder / f"find.{kind}" for kind in ("html", "svg", "png"))
    page.write_text(finding_html(found), encoding="utf-8")
    vector.write_text(finding_svg(found), encoding="utf-8")
    pixels.write_bytes(finding_png(found))
    return [page, vector, pixels]


def _figure(found: Finding) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra(
            given="no matplotlib",
            allowed="matplotlib, for the picture",
            where="calando.report.finding",
            fix='pip install "calando[lab]"',
        ) from error
    figure = Figure(figsize=(9, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    _range(above, found.reading)
    _minis(below, found)
    for axes in (above, below):
        axes.set_xscale("log")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelbottom=True)
    means = "" if found.low is None else f"\nband: where the best peak over {found.horizon} updates is believed to lie"
    below.set_xlabel(f"learning rate (peak of the schedule, below){means}")
    return figure


def _range(axes: "Axes", reading: RangeReading | None) -> None:
    axes.set_ylabel("training loss")
    axes.set_title("Range tests: the rate rises until training breaks", loc="left", fontsize=11)
    if reading is None or not reading.rides:
        axes.text(0.5, 0.5, "nothing to show", transform=axes.transAxes, ha="center")
        return
    if reading.low is not None and reading.high is not None:
        axes.axvspan(reading.low, reading.high, color="#eef2f7", label="bracket", lw=0)
    for ride, colour in zip(reading.rides, SEEDS * len(reading.rides), strict=False):
        axes.plot(ride.rates, ride.losses, ".", color=colour, ms=3, alpha=0.5)
        axes.plot(ride.rates, ride.smooth, color=colour, lw=1.6, label=f"seed {ride.seed}")
        if ride.broke is not None:
            axes.plot([ride.broke], [max(ride.losses)], "x", color=colour, ms=8)
    for mark in reading.marks:
        if mark.rate is not None:
            axes.axvline(mark.rate, color=INK, ls=RULES.get(mark.rule, "-"), lw=1, label=f"{mark.rule} {mark.rate:.2g}")
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _minis(axes: "Axes", found: Finding) -> None:
    axes.set_ylabel(found.metric)
    axes.set_title("Mini-runs: whole schedules on short horizons", loc="left", fontsize=11)
    if not found.minis:
        axes.text(0.5, 0.5, "none were made", transform=axes.transAxes, ha="center")
        return
    if found.low is not None and found.high is not None and found.confidence is not None:
        sure = f"{100 * found.confidence:.0f} % belief at {found.horizon} updates"
        axes.axvspan(found.low, found.high, color=BAND, lw=0, label=sure)
    if found.best is not None:
        what = "best guess" if found.outcome == "found" else "a bound:"
        axes.axvline(found.best, color=BEST, lw=2, label=f"{what} {found.best:g}")
    for horizon, colour in zip(sorted({mini.horizon for mini in found.minis}), SEEDS, strict=False):
        mine = [mini for mini in found.minis if mini.horizon == horizon]
        good = [(mini.peak, mini.value) for mini in mine if mini.value is not None]
        axes.plot([p for p, _ in good], [v for _, v in good], "o", color=colour, label=f"{horizon} updates")
        lost = [mini.peak for mini in mine if mini.value is None]
        if lost:  # at the axes' upper edge, which is no value
            said = f"{horizon} updates, no result: diverged or failed"
            edge = axes.get_xaxis_transform()
            axes.plot(lost, [0.97] * len(lost), "x", color=colour, ms=8, label=said, transform=edge)
        _parabola(axes, found, horizon, colour, [mini.peak for mini in mine])
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _parabola(axes: "Axes", found: Finding, horizon: int, colour: str, peaks: list[float]) -> None:
    top, base = dict(found.tops).get(horizon), dict(found.bases).get(horizon)
    if top is None or base is None or found.curvature is None:
        return
    middle = math.log2(top)
    reach = max(1.5, *(min(2.5, abs(math.log2(peak) - middle)) for peak in peaks))
    octaves = [reach * (i / 30 - 1) for i in range(61)]
    heights: list[Any] = [base + found.curvature * u * u * (found.skew if u > 0 else 1.0) for u in octaves]
    values = [mini.value for mini in found.minis if mini.value is not None]
    if values and min(values) >= 0:  # a loss: the model may dip below what it can be, the picture must not
        heights = [max(0.0, height) for height in heights]
    axes.plot([2 ** (middle + u) for u in octaves], heights, color=colour, lw=1, alpha=0.7)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.2g}"
