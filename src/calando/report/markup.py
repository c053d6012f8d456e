"""What every page is put together from: templates that escape, JSON that cannot end a script, a content policy.

Text of a user passes one of these on its way into a page: Jinja's escaping, `as_json`, or `brief` and `coded`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from calando.errors import BadValue, MissingExtra
from calando.report import words
from calando.report.figures import dash

__all__ = ["as_json", "asset", "brief", "coded", "missing", "points", "policy", "strokes", "template", "write_whole"]


def write_whole(path: Path, text: str | bytes) -> Path:
    """Write a file whole or not at all; gives its path. Raises BadValue where it cannot be written."""
    draft = path.with_name(path.name + f".{os.getpid()}.part")
    data = text if isinstance(text, bytes) else text.encode("utf-8", errors="replace")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise BadValue(
            given=f"a file that cannot be written ({error.strerror or error})",
            allowed="a path in a folder that this user may write to",
            where=str(path),
            fix="name another file by --out",
        ) from error
    return path


def as_json(value: Any) -> str:
    """JSON that may stand inside `<script>`: nothing in it can end the element or open a comment.

    >>> as_json("</script><!--")
    '"\\\\u003c/script\\\\u003e\\\\u003c!--"'
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def coded(text: str) -> Any:
    """Markup of our own sentences: what stands between backticks becomes code, all of it escaped.

    >>> str(coded("use `a|b` <now>"))
    'use <code>a|b</code> &lt;now&gt;'
    """
    from markupsafe import Markup

    parts = words.tame(text).split("`")
    if len(parts) % 2 == 0:  # one backtick without a partner is a user's own
        return Markup.escape(words.tame(text))
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def brief(text: str, limit: int = words.LONG) -> Any:
    """Markup of a text that may be endless: shortened, with the whole in its title.

    >>> str(brief("<i>" * 4, 8))
    '<span title="&lt;i&gt;&lt;i&gt;&lt;i&gt;&lt;i&gt;">&lt;i&gt;&lt;i … i&gt;</span>'
    """
    from markupsafe import Markup

    whole = words.tame(text)
    if len(whole) <= limit:
        return Markup.escape(whole)
    return Markup('<span title="{}">{}</span>').format(whole, words.cut(whole, limit))


def _tamed(value: Any) -> Any:
    """What Jinja is about to write: no control sign of a user's gets into the file."""
    return words.tame(value) if type(value) is str else value


def points(spark: Sequence[tuple[float, float]]) -> str:
    """A curve in the unit square as the points of an SVG polyline, 100 wide and 30 high.

    One text, and not a number at a time in the template: a report may hold a hundred thousand of them.

    >>> points([(0.0, 1.0), (0.5, 0.0)])
    '0.0,2.0 50.0,28.0 '
    """
    return "".join([f"{100 * x:.1f},{28 - 26 * y:.1f} " for x, y in spark])


def strokes(slot: int) -> str:
    """A slot's dash as SVG's stroke-dasharray, in the key beside the figures."""
    known = {"solid": "none", "dash": "6 3", "dashdot": "6 2 1.5 2", "dot": "2 2", "longdash": "10 4",
             "longdashdot": "10 3 2 3"}  # fmt: skip
    return known.get(dash(slot), "8 3 2 3 2 3")


def policy(scripts: list[str]) -> str:
    """The content policy of a page: nothing is fetched, and only these scripts run."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def asset(name: str) -> str:
    """One of the files beside the templates, as text."""
    return files("calando.report").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def template(name: str) -> Any:
    """One of our templates, by its file's name. Raises MissingExtra without Jinja."""
    try:
        import jinja2
    except ImportError as error:
        raise missing("jinja2") from error
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(asset),
        finalize=_tamed,
    )
    environment.filters.update(coded=coded, brief=brief, cut=words.cut, points=points)
    return environment.get_template(name)


def missing(package: str) -> MissingExtra:
    """The error for a page that a package is missing for."""
    return MissingExtra(
        given=f"a report without {package}",
        allowed=f"{package}, which comes with calando[lab]",
        where="calando report",
        fix="pip install 'calando[lab]', or read it in the terminal: calando report STUDY --text",
    )
