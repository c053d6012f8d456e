"""The page in a real browser, where runs are named and logged as nobody expected."""

import math
import os

import pytest

from calando.records.live import Event
from tests.watch.serve.served import ended, record, serving
from tests.watch.serve.test_browser import browser, drawn, opened  # noqa: F401 - fixtures

pytestmark = pytest.mark.slow

TRIPS = """() => {
  Object.defineProperty(document, "title", { get() { return ""; }, set() { throw new Error("tripped"); } });
  window.links = 0;
  new MutationObserver(() => window.links++).observe(document.querySelector("#link-text"), { childList: true });
}"""


@pytest.mark.parametrize("metric", ["constructor", "__proto__"])
def test_names_that_are_words_of_the_language_are_names(opened, tmp_path, metric) -> None:  # noqa: F811
    ended(record(tmp_path, "sound"))
    ended(record(tmp_path, "odd", metric=metric))
    with_it = record(tmp_path, "with", metric=metric)
    with_it.log(200, {metric: 0.25, "train_loss": 1.0})
    with_it.event(Event(200, "refused", {"id": "a", "text": ["x"], "by": metric, "reason": {"a": 1}}))
    ended(with_it)
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 200)
        page.wait_for_function("() => document.querySelectorAll('#runs li').length === 3")
        page.locator("#runs li", has_text="with").locator(".pick").click()
        page.wait_for_function("() => document.querySelector('.part-numbers')?.innerText.includes('0.25')")
        assert f"{metric} – " in page.inner_text(".events") + " – "


def test_what_trips_over_one_message_does_not_end_the_stream(opened, tmp_path) -> None:  # noqa: F811
    recorder = record(tmp_path)
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 199)
        page.evaluate(TRIPS)
        recorder.log(200, {"train_loss": 1.0, "lr": 0.1})
        recorder.log(201, {"train_loss": 1.0, "lr": 0.1})
        page.wait_for_timeout(600)
        recorder.log(202, {"train_loss": 1.0, "lr": 0.1})
        drawn(page, 202)
        assert page.evaluate("window.links") == 0
    recorder.close()


def test_a_cooldown_told_in_no_numbers_leaves_the_rest_of_the_run_to_be_seen(opened, tmp_path) -> None:  # noqa: F811
    recorder = record(tmp_path)
    recorder.event(Event(199, "virtual", {"source": "x", "value": {"a": 1}, "low": "q", "steps": "z"}))
    ended(recorder)
    with serving(tmp_path) as server:
        page = opened(server)
        page.wait_for_selector(".part-events li")
        assert "200 of 1,000" in page.inner_text(".part-progress")


def test_a_run_of_many_quantities_shows_its_loss_and_its_rate(opened, tmp_path) -> None:  # noqa: F811
    recorder = record(tmp_path)
    for step in range(200, 230):
        many = {f"grad/layer{i:03d}": 1.0 for i in range(100)}
        recorder.log(step, {**many, "train_loss": 1.0, "val_loss": 1.5, "lr": 0.1})
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 229)
        assert set(page.locator("#names button").all_inner_texts()[:2]) == {"val_loss", "train_loss"}
        page.wait_for_function("() => document.querySelector('#rate .none').textContent === ''")
        assert "val_loss" in page.inner_text(".part-numbers dl div:first-child")
    recorder.close()


def test_losses_below_nothing_on_a_logarithmic_axis_are_not_drawn_and_it_is_said(opened, tmp_path) -> None:  # noqa: F811
    recorder = record(tmp_path, steps=0)
    for step in range(100):
        recorder.log(step, {"val_loss": -1.0 - step, "train_loss": -2.0, "lr": 0.1})
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 99)
        page.keyboard.press("l")
        page.wait_for_function("() => document.querySelector('#loss .none').textContent.includes('above 0')")
        page.keyboard.press("l")
        page.wait_for_function("() => document.querySelector('#loss .none').textContent === ''")
        recorder.log(100, {"val_loss": 3.0, "train_loss": 2.0, "lr": 0.1})
        drawn(page, 100)
    recorder.close()


def test_after_a_click_space_is_still_the_pages(opened, tmp_path) -> None:  # noqa: F811
    ended(record(tmp_path, "first"))
    ended(record(tmp_path, "second"))
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 199)
        page.locator("#runs li", has_text="first").locator(".pick").click()
        page.keyboard.press("Space")
        page.wait_for_selector("#runs li.off.chosen")
        page.click("#log")
        page.keyboard.press("Space")
        page.wait_for_selector("#runs li.chosen:not(.off)")
        assert page.get_attribute("#log", "aria-pressed") == "true"
        page.focus("#log")  # by the keyboard a button is a button
        page.keyboard.press("Space")
        assert page.get_attribute("#log", "aria-pressed") == "false"


def test_a_validation_loss_far_above_the_training_loss_is_drawn(opened, tmp_path) -> None:  # noqa: F811
    recorder = record(tmp_path, steps=0)
    for step in range(1000):
        numbers = {"train_loss": 2.3 * math.exp(-step / 50) + 0.01, "lr": 0.1}
        if step % 10 == 9:
            numbers["val_loss"] = 2.3 * math.exp(-step / 30) + 0.8 + 0.0005 * step
        recorder.log(step, numbers)
    ended(recorder)
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 999)
        page.wait_for_timeout(300)
        assert float(page.get_attribute("#loss", "data-low")) < 0.1
        assert float(page.get_attribute("#loss", "data-high")) > 1.3
        assert "wholly" not in page.inner_text("#cut")


def test_one_wild_run_does_not_set_the_scale_unless_it_is_the_chosen_one(opened, tmp_path) -> None:  # noqa: F811
    wild = record(tmp_path, "wild", steps=0)
    for step in range(200):
        wild.log(step, {"train_loss": 1e5 + step, "val_loss": 1e5, "lr": 0.1})
    ended(wild)
    for name in ("one", "two"):
        ended(record(tmp_path, name))
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 199)
        page.locator("#runs li", has_text="one").locator(".pick").click()
        page.wait_for_function("() => Number(document.querySelector('#loss').dataset.high) < 5")
        assert "wholly above the edge" in page.inner_text("#cut")
        page.locator("#runs li", has_text="wild").locator(".pick").click()
        page.wait_for_function("() => Number(document.querySelector('#loss').dataset.high) > 9e4")


def test_no_label_lies_over_a_line(opened, tmp_path) -> None:  # noqa: F811
    ended(record(tmp_path))
    with serving(tmp_path) as server:
        for width in (1300, 360):
            page = opened(server, viewport={"width": width, "height": 740})
            drawn(page, 199)
            for pane in ("#loss", "#rate"):
                label = page.locator(f"{pane} .what").bounding_box()
                assert label["y"] + label["height"] <= page.locator(f"{pane} .u-over").bounding_box()["y"] + 1
                assert label["height"] > 10


def test_a_command_that_a_lost_run_never_took_is_said_to_be_lost(opened, tmp_path) -> None:  # noqa: F811
    recorder = record(tmp_path)
    with serving(tmp_path) as server:
        page = opened(server)
        page.click('button[data-command="scale 0.5"]')
        page.wait_for_selector("text=the run takes it at its next update")
        recorder.close()
        (recorder.folder / "record.jsonl").write_text(
            (recorder.folder / "record.jsonl").read_text().replace(f'"pid":{os.getpid()}', '"pid":4194303', 1)
        )
        page.wait_for_selector("text=scale 0.5 was not taken")


def test_a_page_that_only_looks_offers_nothing_else(opened, tmp_path) -> None:  # noqa: F811
    recorder = record(tmp_path)
    with serving(tmp_path, steering=False) as server:
        page = opened(server)
        page.wait_for_selector("text=This page only looks")
        assert page.locator(".part-steer button:enabled, .findings button").count() == 0
    recorder.close()


def test_values_that_cannot_be_drawn_are_not_said_to_be_missing(opened, tmp_path) -> None:  # noqa: F811
    recorder = record(tmp_path, steps=0)
    for step in range(20):
        recorder.log(step, {"val_loss": float("nan"), "train_loss": 1e300, "lr": 0.1})
    with serving(tmp_path) as server:
        page = opened(server)
        page.wait_for_selector("#loss .none span:text('No value in this window can be drawn')")
    recorder.close()


def test_a_command_that_never_left_the_page_was_not_refused(opened, tmp_path) -> None:  # noqa: F811
    recorder = record(tmp_path)
    with serving(tmp_path) as server:
        page = opened(server)
        page.wait_for_selector('button[data-command="undo"]:enabled')
    page.click('button[data-command="undo"]')
    page.wait_for_selector("text=undo was not sent: no connection")
    recorder.close()


def test_at_opening_the_chosen_run_is_in_sight_in_a_long_list(opened, tmp_path) -> None:  # noqa: F811
    for number in range(60):
        ended(record(tmp_path, f"run{number:02d}", steps=2))
    with serving(tmp_path) as server:
        page = opened(server)
        page.wait_for_selector("#runs li.chosen")
        page.wait_for_function("""() => {
          const box = document.querySelector("#runs").getBoundingClientRect();
          const row = document.querySelector("#runs li.chosen").getBoundingClientRect();
          return row.top >= box.top - 1 && row.bottom <= Math.min(box.bottom, innerHeight) + 1;
        }""")


def test_a_logarithmic_axis_has_few_lines(opened, tmp_path) -> None:  # noqa: F811
    recorder = record(tmp_path, steps=0)
    for step in range(100):
        recorder.log(
            step, {"val_loss": 10.0 ** (-step / 10), "train_loss": 10.0 ** (-step / 10), "lr": 10 ** (step / 50)}
        )
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 99)
        page.keyboard.press("l")
        page.focus("#rate")
        page.keyboard.press("l")
        for pane in ("#loss", "#rate"):
            page.wait_for_function(
                "pane => { const n = Number(document.querySelector(pane).dataset.lines); return n >= 2 && n <= 14; }",
                arg=pane,
            )
    recorder.close()
