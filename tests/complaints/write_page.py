"""Write docs/complaints.md from the table: `python -m tests.complaints.write_page`."""

from collections.abc import Iterator

from tests.complaints.table import COMPLAINTS, ROOT, TRAPS, Complaint, address, versions

PAGE = ROOT / "docs" / "complaints.md"

NAMES = {
    "torch": "PyTorch", "transformers": "Transformers", "timm": "timm", "keras": "Keras", "optax": "optax",
    "lightning": "Lightning", "deepspeed": "DeepSpeed", "pytorch-ignite": "Ignite",
}  # fmt: skip

HEAD = """\
# What goes wrong elsewhere, and here does not

{complaints} complaints ({issues} issues and pull requests) about learning-rate schedulers, and {traps} traps that
nobody reported. Each has a test with one check: it fails with the other library's behaviour and passes with Calando's.
{living} of the complaints fail with the library as it is installed here; {mended} were mended since, and their tests
have the old behaviour transcribed.

Every example runs, with this before it:

```python
import io, json
import torch
import calando
from calando.torch import attach

model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
again = torch.optim.SGD(model.parameters(), lr=1.0)       # the one after the restart
```

Those of optax and Keras also with `import optax, calando.optax` and `import keras, calando.keras`.

This page is made from a table: edit `tests/complaints/table.toml`, then `python -m tests.complaints.write_page`.
"""


def page() -> str:
    """The whole page."""
    mended = sum(complaint.mended for complaint in COMPLAINTS)
    head = HEAD.format(
        complaints=len(COMPLAINTS), issues=sum(len(c.ids) for c in COMPLAINTS), traps=len(TRAPS),
        living=len(COMPLAINTS) - mended, mended=mended,
    )  # fmt: skip
    return head + "".join(_sections())


def _sections() -> Iterator[str]:
    themes = list(dict.fromkeys(complaint.theme for complaint in COMPLAINTS))
    yield "\n" + "".join(f"- [{theme}](#{_anchor(theme)})\n" for theme in [*themes, "Other traps"])
    for theme in themes:
        yield f"\n## {theme}\n"
        for complaint in COMPLAINTS:
            if complaint.theme == theme:
                yield _entry(complaint)
    yield "\n## Other traps\n\n| in | what | here | test |\n| --- | --- | --- | --- |\n"
    for trap in TRAPS:
        yield f"| {_peer(trap)} | {_escaped(trap.title)} | {trap.ours} | {_test(trap)} |\n"


def _entry(complaint: Complaint) -> str:
    issues = ", ".join(f"[{issue}]({address(issue)})" for issue in complaint.ids)
    state = f"no longer in {_peer(complaint)}" if complaint.mended else f"shown with {_peer(complaint)}"
    return (
        f"\n### {_escaped(complaint.title)}\n\n{issues}\n\n"
        f"Elsewhere: {_escaped(complaint.theirs)} ({state}; {_test(complaint)})\n\n"
        f"Here: {complaint.ours}\n\n"
        f"```pycon\n{complaint.example.strip()}\n```\n"
    )


def _peer(complaint: Complaint) -> str:
    return f"{NAMES[complaint.peer]} {versions()[complaint.peer]}"


def _test(complaint: Complaint) -> str:
    return f"[test](../{complaint.test.partition('::')[0]})"


def _escaped(text: str) -> str:
    return text.replace("_", "\\_").replace("*", "\\*")


def _anchor(heading: str) -> str:
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_.".replace(".", ""))
    return kept.replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
