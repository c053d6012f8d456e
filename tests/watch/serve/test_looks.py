"""How the page looks, as far as a program can tell: nothing is cut, faint, dead or without a ring, on a phone too."""

import re
from pathlib import Path
from typing import Any

import pytest

from calando.records.live import Event
from tests.watch.serve.served import ended, overfitted, record, serving
from tests.watch.serve.test_browser import browser, drawn, opened

__all__ = ["browser", "opened"]

pytestmark = pytest.mark.slow

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}

CUT = """selector => [...document.querySelectorAll(selector)]
  .filter(one => one.offsetParent && one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"""

HEIGHT = """node => {
  const all = document.createRange();
  all.selectNodeContents(node);
  return all.getBoundingClientRect().height;
}"""

CONTRAST = """() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => v / 255)
      .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const paper = node => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const worst = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !node.offsetParent || node.closest(":disabled, script, .skip")) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(paper(node))].sort((p, q) => q - p);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) worst.push([texts.currentNode.data.trim().slice(0, 40), Math.round(100 * ratio) / 100]);
  }
  return worst;
}"""


def full(folder: Path) -> Any:
    """A run with everything that there is to tell, and others of every kind beside it."""
    overfitted(folder, "a-run-that-is-lost-and-has-a-long-name")
    overfitted(folder, "failed", "failed", "RuntimeError: 'CUDA out of memory'")
    ended(record(folder, "whole", steps=1000))
    recorder = record(folder, "under-way", steps=600)
    recorder.event(Event(300, "applied", {"id": "a", "text": "scale 0.5", "by": "rule:plateau", "reason": "as a test"}))
    recorder.event(Event(400, "refused", {"id": "b", "text": "scale 7", "by": "page", "reason": "too high " * 12}))
    for window in (1, 5, 20):
        told = {"value": 1.2134, "low": 1.0953, "high": 1.4219, "source": f"average of the last {window} %"}
        recorder.event(Event(599, "virtual", {**told, "steps": 60}))
    return recorder


@pytest.mark.parametrize("given", [PHONE, {}, {"viewport": {"width": 1010, "height": 700}}])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_no_text_is_cut_or_faint(opened: Any, tmp_path: Path, given: dict[str, Any], scheme: str) -> None:
    recorder = full(tmp_path)
    with serving(tmp_path) as server:
        page = opened(server, **{**given, "color_scheme": scheme})
        drawn(page, 599)
        page.locator("#details h2", has_text="under-way").wait_for()
        page.locator(".cooled").wait_for()
        page.locator("#runs .chip.says").first.wait_for()
        width = page.evaluate("innerWidth")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cut = [text for text in page.evaluate(CUT, ".what, button, h2, .chip.state, .cooled td, dt, dd, .link") if text]
        assert [text for text in cut if "a-run-that" not in text] == []
        bands = page.locator(".cooled td.band")
        assert bands.count() >= 3
        assert all(bands.nth(place).evaluate(HEIGHT) < 30 for place in range(bands.count()))
        hint = page.evaluate(
            "() => { const one = document.querySelector('#filter'), text = document.createElement('canvas')"
            ".getContext('2d'); text.font = getComputedStyle(one).font;"
            " return text.measureText(one.placeholder).width + 18 <= one.clientWidth }"
        )
        assert hint
        assert page.evaluate(CONTRAST) == []
    recorder.close()


def test_what_is_bold_and_what_is_pale_is_said_and_keys_are_not_told_to_fingers(opened: Any, tmp_path: Path) -> None:
    recorder = full(tmp_path)
    with serving(tmp_path) as server:
        page = opened(server, **PHONE)
        drawn(page, 599)
        assert page.inner_text("#loss .what") == "val_loss, pale: train_loss, by step"
        assert "(F)" not in page.get_attribute("#filter", "placeholder")
        assert "all values" in page.inner_text("#cut")
        assert not re.search(r"\bY\b", page.inner_text("#cut"))
        page.click("#smooth")
        assert page.inner_text("#loss .what").endswith("by step, smoothed")
        assert page.evaluate(CUT, ".what") == []
    recorder.close()


def test_a_ring_shows_where_the_keyboard_is_and_nothing_cuts_it(opened: Any, tmp_path: Path) -> None:
    recorder = full(tmp_path)
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 599)
        page.focus("#filter")
        for _ in range(4):
            page.keyboard.press("Tab")
        ring = page.evaluate(
            "() => { const one = document.activeElement, style = getComputedStyle(one);"
            " return [one.className, style.outlineStyle, parseFloat(style.outlineOffset)] }"
        )
        assert ring[:2] == ["pick", "solid"]
        assert ring[2] < 0  # a row paints nothing outside of itself
    recorder.close()


def test_where_there_is_no_run_there_are_no_empty_axes(opened: Any, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        page = opened(server, **PHONE)
        page.wait_for_selector("text=calando.watch(")
        assert not page.is_visible("#loss")
        assert not page.is_visible("#names")
        recorder = record(tmp_path)
        drawn(page, 199)
        assert page.is_visible("#loss")
        assert page.locator("#loss canvas").bounding_box()["width"] > 300
    recorder.close()


def test_what_is_over_has_no_dead_buttons_and_long_ago_is_a_date(opened: Any, tmp_path: Path) -> None:
    recorder = record(tmp_path, steps=1000, began=1.7e9)
    recorder.event(Event(999, "ended", {"status": "done", "reason": ""}, 1.7e9 + 100))
    recorder.close()
    with serving(tmp_path) as server:
        page = opened(server)
        page.wait_for_selector("text=It is over.")
        assert page.locator(".part-steer button:visible").count() == 0
        heard = page.inner_text(".part-progress .end")
    assert "2023" in heard
    assert " d " not in heard
