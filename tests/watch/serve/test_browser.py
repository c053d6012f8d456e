"""The page in a real browser: it opens, follows, zooms, steers, fits a phone, and shows hostile text as text."""

import os
import shutil
import time

import pytest

from calando.records.live import Event, Inbox
from tests.watch.serve.served import HORIZON, ended, overfitted, record, serving

CHROMIUM = os.environ.get("CALANDO_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = "<img src=x onerror=document.title='owned'></script><script>document.title='owned'</script>\u202e{{7*7}}"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="NOT RUN: Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("NOT RUN: no Chromium is on the path, nor named by CALANDO_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.getuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser):
    """Opens pages; every one of them must have been without an error, and have asked nobody else for anything."""
    contexts, errors, asked = [], [], []

    def go(server, **given):
        context = browser.new_context(**{"viewport": {"width": 1300, "height": 820}, **given})
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("request", lambda request: asked.append((server.origin, request.url)))
        page.goto(server.address)
        page.wait_for_selector(".link.live")
        return page

    yield go
    for context in contexts:
        context.close()
    assert [error for error in errors if "ERR_" not in error and "status of" not in error] == []
    assert [url for origin, url in asked if not url.startswith((origin, "data:"))] == []


@pytest.fixture
def recorder(tmp_path):
    made = record(tmp_path)
    yield made
    made.close()


def drawn(page, step: int) -> None:
    page.wait_for_function("step => Number(document.querySelector('#loss').dataset.last) >= step", arg=step)


COLOURED = """pane => {
  const canvas = document.querySelector(pane + " canvas");
  const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let found = 0;
  for (let i = 0; i < dots.length; i += 4) {
    const [red, green, blue, ink] = dots.slice(i, i + 4);
    if (ink > 60 && Math.max(red, green, blue) - Math.min(red, green, blue) > 50) found++;
  }
  return found;
}"""

SMALL = """() => [...document.querySelectorAll("button")].filter(
  button => button.offsetParent && button.getBoundingClientRect().height < 24
).length"""


def inked(page, pane: str) -> int:
    """How many points of a pane are neither paper nor grey."""
    return page.evaluate(COLOURED, pane)


def test_it_opens_takes_the_token_out_of_the_address_and_draws_losses_and_rates(opened, recorder, tmp_path) -> None:
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 199)
        assert server.token not in page.url
        assert page.inner_text("#details h2 .name") == "first"
        assert "200 of 1,000 updates" in page.inner_text(".part-progress")
        assert "warmup(10%)" in page.inner_text(".part-progress .plan")
        page.wait_for_timeout(500)
        assert inked(page, "#loss") > 300
        assert inked(page, "#rate") > 200
        page.reload()  # the token waits in this tab alone
        page.wait_for_selector(".link.live")
        page.goto(server.origin + "/")
        page.wait_for_selector(".link.live")


def test_without_the_token_it_shows_a_door_that_takes_one(browser, recorder, tmp_path) -> None:
    with serving(tmp_path) as server:
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.origin + "/")
        assert "first" not in page.content()
        page.fill("#token", server.address)
        page.press("#token", "Enter")
        page.wait_for_selector(".link.live")
        context.close()


def test_a_new_line_is_drawn_within_a_second(opened, recorder, tmp_path) -> None:
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 199)
        waits = []
        for step in range(200, 207):
            time.sleep(0.33)
            began = time.monotonic()
            recorder.log(step, {"train_loss": 1.0, "lr": 0.1})
            drawn(page, step)
            waits.append(time.monotonic() - began)
        assert sorted(waits)[3] < 1.0


def test_the_wheel_and_the_keys_zoom_and_a_double_click_shows_all(opened, recorder, tmp_path) -> None:
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 199)
        assert page.is_disabled("#reset")
        page.hover("#loss")
        page.mouse.wheel(0, -300)
        page.wait_for_selector("#reset:enabled")
        page.dblclick("#loss .u-over")
        page.wait_for_selector("#reset:disabled")
        page.keyboard.press("+")
        page.wait_for_selector("#reset:enabled")
        page.keyboard.press("r")
        page.wait_for_selector("#reset:disabled")
        box = page.locator("#loss .u-over").bounding_box()
        page.mouse.move(box["x"] + 50, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + 150, box["y"] + 60, steps=4)
        page.mouse.up()
        page.wait_for_selector("#reset:enabled")
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
        page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + 60)
        page.wait_for_function("document.querySelector('#readout').textContent.includes('train_loss')")
        step = int(page.inner_text("#readout b").replace(",", ""))
        assert 50 < step < 160  # the middle of the frame that was drawn


def test_every_key_that_the_list_names_does_what_it_says(opened, recorder, tmp_path) -> None:
    ended(record(tmp_path, "second"))
    with serving(tmp_path) as server:
        page = opened(server)
        page.wait_for_selector("#runs .run >> nth=1")
        press = page.keyboard.press
        press("?")
        assert page.is_visible("#help")
        listed = page.inner_text("#help").upper()
        assert all(key in listed for key in "JKOAFRLSYMCT")
        press("Escape")
        assert not page.is_visible("#help")
        press("j")
        press("j")
        assert "second" in page.inner_text("#runs .chosen")
        press("k")
        assert "first" in page.inner_text("#runs .chosen")
        press("Space")
        page.wait_for_selector("#runs .run.off")
        press("a")
        page.wait_for_selector("#runs .run.off", state="detached")
        press("o")
        assert page.locator("#runs .run.off").count() == 1
        press("a")
        for key, button in (("l", "#log"), ("s", "#smooth"), ("y", "#whole")):
            press(key)
            assert page.get_attribute(button, "aria-pressed") == "true"
            press(key)
            assert page.get_attribute(button, "aria-pressed") == "false"
        press("f")
        page.keyboard.type("sec")
        assert page.locator("#runs .run").count() == 1
        press("Escape")
        assert page.locator("#runs .run").count() == 2
        before = page.inner_text("#loss .what")
        press("m")
        assert page.inner_text("#loss .what") != before
        press("t")
        assert page.evaluate("document.documentElement.classList.contains('dark')")
        press("t")
        assert not page.evaluate("document.documentElement.classList.contains('dark')")
        page.wait_for_selector("#command")
        press("c")
        assert page.evaluate("document.activeElement.id") == "command"


def test_rates_that_are_far_apart_stand_on_a_logarithmic_axis(opened, recorder, tmp_path) -> None:
    hot = record(tmp_path, "hot", steps=0, peak=20.0)
    for step in range(50):
        hot.log(step, {"train_loss": 2.0, "lr": 20.0})
    ended(hot)
    with serving(tmp_path) as server:
        page = opened(server)
        page.wait_for_function("document.querySelector('#rate .what').textContent.includes('logarithmic')")
        page.focus("#rate")
        page.keyboard.press("l")
        page.wait_for_function("!document.querySelector('#rate .what').textContent.includes('logarithmic')")
        assert page.get_attribute("#log", "aria-pressed") == "false"


def test_hostile_names_metrics_and_reasons_are_shown_as_text(opened, tmp_path) -> None:
    recorder = record(tmp_path, HOSTILE)
    recorder.log(200, {HOSTILE: 1.0, "train_loss": 1.0, "lr": 0.1})
    recorder.event(Event(200, "refused", {"id": "a", "text": HOSTILE, "by": HOSTILE, "reason": HOSTILE}))
    with serving(tmp_path) as server:
        page = opened(server)
        drawn(page, 200)
        page.wait_for_selector(".events .refused")
        page.hover("#loss")
        for text in (
            page.inner_text("#details h2"),
            page.inner_text(".events"),
            page.inner_text("#names"),
            page.title(),
        ):
            assert "<img src=x onerror" in text
            assert "\u202e" not in text
        assert page.locator("img").count() == 0
        assert "owned" not in page.title().split("<")[0]
        assert page.evaluate("document.scripts.length") == 1
    recorder.close()


def test_it_fits_a_phone_and_a_finger_moves_the_window(opened, recorder, tmp_path) -> None:
    ended(record(tmp_path, "a-name-that-is-much-too-long-for-a-narrow-screen-" + "x" * 80))
    with serving(tmp_path) as server:
        page = opened(server, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
        drawn(page, 199)
        page.wait_for_selector(".part-numbers dl")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate(SMALL) == 0
        touch = page.context.new_cdp_session(page)
        box = page.locator("#loss .u-over").bounding_box()
        for kind, apart in (("touchStart", 20), ("touchMove", 60), ("touchMove", 120)):
            points = [
                {"x": box["x"] + 130 - apart, "y": box["y"] + 60, "id": 1},
                {"x": box["x"] + 130 + apart, "y": box["y"] + 60, "id": 2},
            ]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            page.wait_for_timeout(80)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_selector("#reset:enabled")


def test_steering_shows_what_it_would_bring_sends_it_and_says_what_became_of_it(opened, recorder, tmp_path) -> None:
    with serving(tmp_path) as server:
        page = opened(server)
        page.wait_for_selector('button[data-command="cooldown 10%"]:enabled')
        page.hover('button[data-command="cooldown 10%"]')
        page.wait_for_selector("text=ends at 300 in place of 1,000")
        assert Inbox(recorder.folder).poll() == []
        inbox = Inbox(recorder.folder)
        page.click('button[data-command="cooldown 10%"]')
        page.wait_for_selector("text=the run takes it at its next update")
        (heard,) = inbox.poll()
        assert (heard.command.text, heard.command.by, heard.command.revision) == ("cooldown 10%", "page", 0)
        recorder.event(
            Event(
                200,
                "applied",
                {"id": heard.command.id, "text": "cooldown 10%", "by": "page", "revision": 1, "horizon": 300},
            )
        )
        page.wait_for_selector("text=cooldown 10% is in force from step 200")
        page.wait_for_selector("text=200 of 300 updates")
        page.fill("#command", "scale 7 please")
        page.press("#command", "Enter")
        page.wait_for_selector(".said.bad")
        assert "please" in page.inner_text(".part-steer .said")
        assert inbox.poll() == []


def test_a_run_that_is_over_cannot_be_steered_and_says_why(opened, tmp_path) -> None:
    ended(record(tmp_path, steps=HORIZON))
    with serving(tmp_path) as server:
        page = opened(server)
        page.wait_for_selector("text=It is over.")
        assert page.locator(".part-steer button:enabled").count() == 0


def test_a_server_that_is_gone_is_said_and_one_that_is_back_is_taken_up_again(opened, recorder, tmp_path) -> None:
    with serving(tmp_path) as server:
        page = opened(server)
        port, token = server.port, server.token
    page.wait_for_selector(".link.lost")
    assert "still running" in page.inner_text("#link-text") or "stopped" in page.inner_text("#link-text")
    with serving(tmp_path, port=port, token=token):
        page.wait_for_selector(".link.live")
        recorder.log(200, {"train_loss": 1.0, "lr": 0.1})
        drawn(page, 200)


def test_nothing_to_see_says_how_to_begin_and_a_run_that_begins_appears(opened, tmp_path) -> None:
    with serving(tmp_path) as server:
        page = opened(server)
        page.wait_for_selector("text=calando.watch(")
        recorder = record(tmp_path)
        page.wait_for_selector("#details h2 .name")
        drawn(page, 199)
        recorder.close()


@pytest.mark.parametrize("width", [360, 1300])
def test_a_finding_hides_no_state_in_the_list_and_the_state_stands_first(opened, tmp_path, width: int) -> None:
    long = "a-run-with-a-name-that-is-rather-long-for-a-list-of-runs"
    overfitted(tmp_path, long)
    overfitted(tmp_path, "failed-one", "failed", "RuntimeError: 'CUDA out of memory'")
    overfitted(tmp_path, "whole", "done")
    with serving(tmp_path) as server:
        page = opened(server, viewport={"width": width, "height": 740})
        every = ((long, ["lost", "overfitting"]), ("whole", ["overfitting"]), ("failed-one", ["failed"]))
        for name, told in every:
            row = page.locator("#runs .run", has_text=name)
            chips = row.locator(".chip:visible")
            chips.nth(len(told) - 1).wait_for()
            assert chips.all_inner_texts() == told
            for place in range(len(told)):  # whole, but for a finding that has no room
                fits = chips.nth(place).evaluate("chip => [chip.scrollWidth <= chip.clientWidth, chip.clientWidth]")
                assert fits[0] or (place and fits[1] > 30)
            assert row.locator(".last").evaluate("one => one.getBoundingClientRect().right") <= width
