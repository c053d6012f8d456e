"""The files that `calando show` writes: whole, self-contained, and the same curve as the schedule."""

import builtins
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.calling import call, said

THREE = ["warmup(5%) | cosine(end=0.1)", "wsd(warmup=5%, cooldown=20%)", "one_cycle()"]
RUN = ["--horizon", "10000", "--peak", "3e-4"]


def test_all_three_at_once_and_each_is_named(tmp_path: Path) -> None:
    files = {kind: tmp_path / "new" / f"a.{kind}" for kind in ("svg", "png", "html")}
    words = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
    done = call("show", *THREE, *RUN, *words)
    assert done.exit_code == 0
    assert [line for line in done.stderr.splitlines() if line.startswith("wrote ")] == [
        f"wrote {path}" for path in files.values()
    ]
    assert "wrote" not in done.stdout
    assert files["png"].read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert ET.parse(files["svg"]).getroot().tag.endswith("svg")  # noqa: S314 - our own file


def test_the_same_command_writes_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        said("show", *THREE, *RUN, "--svg", str(tmp_path / name), "--html", str(tmp_path / f"{name}.html"))
        made.append(((tmp_path / name).read_bytes(), (tmp_path / f"{name}.html").read_bytes()))
    assert made[0] == made[1]


class Reader(HTMLParser):
    """Whatever a page would load, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [f"{tag} {name}" for name, value in attrs if name in ("src", "href", "srcset") and value]
        if tag in ("script", "iframe", "link", "object"):
            self.loads.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_is_light_loads_nothing_and_says_it_all(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    said("show", *THREE, *RUN, "--html", str(path))
    text = path.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert reader.loads == []
    assert "url(" not in text
    assert "@import" not in text
    assert len(text) < 40_000
    assert "prefers-color-scheme:dark" in text
    words = " ".join(reader.words)
    for part in ("warmup(5%) | cosine(end=0.1)", "one_cycle()", "1.761e-4", "peak of C", "first update is wasted"):
        assert part in words


def test_the_png_is_sharp_and_drawn(tmp_path: Path) -> None:
    from matplotlib.image import imread

    path = tmp_path / "a.png"
    said("show", *THREE, *RUN, "--png", str(path))
    pixels = imread(path)
    assert pixels.shape[1] == 1720
    assert len({tuple(p) for p in pixels[::7, ::7, :3].reshape(-1, 3).round(1)}) > 4


def test_without_matplotlib_the_png_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    done = call("show", "cosine()", *RUN, "--png", str(tmp_path / "a.png"))
    assert done.exit_code == 2
    assert "pip install 'calando[plot]'" in done.stderr
    said("show", "cosine()", *RUN, "--svg", str(tmp_path / "a.svg"), "--html", str(tmp_path / "a.html"))


def test_pictures_are_there_even_when_the_reader_of_the_text_leaves_early(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    command = f"{sys.executable} -m calando show 'cosine()' --horizon 100 --svg {path} | true"
    subprocess.run(["/bin/sh", "-c", command], check=True, timeout=120)
    assert path.read_text(encoding="utf-8").startswith("<svg ")
