"""A peer's configuration as JSON: in a file, or the text itself."""

import json
from pathlib import Path
from typing import Any

from calando.errors import BadFile, shown

__all__ = ["read_json"]


def read_json(source: str | Path, what: str, where: str) -> Any:
    """What the JSON holds; text that begins with a bracket is taken as it is, any other as a path.

    Args:
        source: a path, or text.
        what: whose configuration is wanted, in the words of a sentence.
        where: the argument, for errors.

    Raises:
        BadFile: for a file that cannot be read, or text that is no JSON.

    >>> read_json('{"type": "WarmupLR"}', "DeepSpeed's configuration", "here")
    {'type': 'WarmupLR'}
    """
    text = str(source)
    if not text.lstrip().startswith(("{", "[")):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise BadFile(
                given=f"the file {shown(text)}: {getattr(error, 'strerror', None) or 'not readable as UTF-8 text'}",
                allowed=f"a file with {what} as JSON", where=where,
                fix="give its path, its text or a dict",
            ) from error  # fmt: skip
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(
            given=f"text that is no JSON: {error}", allowed=f"{what} as JSON", where=where, fix="mend the JSON"
        ) from error  # fmt: skip
