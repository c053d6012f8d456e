"""How measurements are stored: JSON that a person can compare line by line."""

import json
from typing import Any

__all__ = ["stored"]


def stored(found: dict[str, Any], digits: int) -> str:
    """As JSON with one row of a table a line, and so many significant digits.

    >>> stored({"command": "x", "rows": [{"loss": 3.14159, "law": "bound"}]}, 3)
    '{\\n "command": "x",\\n "rows": [\\n  {"loss": 3.14, "law": "bound"}\\n ]\\n}\\n'
    """

    def short(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: short(one) for key, one in value.items()}
        return float(f"{value:.{digits}g}") if isinstance(value, float) else value

    parts = []
    for key, value in found.items():
        if isinstance(value, list):
            rows = ",\n  ".join(json.dumps(short(one)) for one in value)
            parts.append(f'"{key}": [\n  {rows}\n ]')
        else:
            parts.append(f'"{key}": {json.dumps(value)}')
    return "{\n " + ",\n ".join(parts) + "\n}\n"
