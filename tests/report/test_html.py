"""One file, no network, and nothing that a user wrote is ever markup or script."""

import json
import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from calando.errors import BadValue, MissingExtra
from calando.records import Environment
from calando.report import build, page_html, write_html
from calando.report.markup import as_json, coded
from tests.report import studies

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "<!--<script> {{ 7*7 }} {% raw %} %{y} <b>b</b> '\"`& \u2028\u2029\x00\x1b[31m\u202e"
)
VOID = {"meta", "link", "img", "input", "br", "hr"}


class Reader(HTMLParser):
    """Collects tags, text, and what stays open; scripts and styles apart."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.stack, self.problems, self.words, self.scripts = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append([dict(attrs), ""])
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.problems.append(tag)

    def handle_data(self, data):
        if self.stack and self.stack[-1] == "script":
            self.scripts[-1][1] += data
        elif not self.stack or self.stack[-1] != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def light(page):
    return page_html(page, static=True)


@pytest.fixture(scope="module")
def full(page):
    return page_html(page)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A study in which every string that a user can bring is an attack."""
    number = iter(range(100))
    study = studies.write(
        tmp_path_factory.mktemp("hostile") / "study",
        horizon=60,
        select=(0, 1),
        confirm=(1000, 1001, 1002),
        question=HOSTILE,
        environment=Environment(HOSTILE, HOSTILE, HOSTILE, 2, 1, {HOSTILE: HOSTILE}),
        rename=lambda plan: f"{HOSTILE} {next(number)}",
    )
    runs = tuple(
        replace(
            r, status="failed" if i == 0 else r.status, traceback=HOSTILE * 3, reason=HOSTILE, notes=(HOSTILE,),
            curves={**r.curves, HOSTILE: r.curve("train_loss")},
        ) for i, r in enumerate(study.runs)
    )  # fmt: skip
    wicked = replace(study.verdict, sentences=(HOSTILE,), not_proven=(HOSTILE,), method=HOSTILE, headline=HOSTILE)
    spec = replace(study.spec, train=HOSTILE, metric="val_loss")
    sessions = tuple(replace(s, command=("calando", HOSTILE)) for s in study.sessions)
    return replace(study, runs=runs, verdict=wicked, spec=spec, sessions=sessions, path=f"/x/{HOSTILE}/study.sqlite3")


@pytest.mark.parametrize("form", ["light", "full"])
def test_every_tag_is_closed_and_ids_are_unique(form, request):
    seen = Reader(request.getfixturevalue(form))
    assert (seen.problems, seen.stack) == ([], [])
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("form", ["light", "full"])
def test_nothing_is_fetched_from_anywhere(form, request):
    text = request.getfixturevalue(form)
    for tag, attrs in Reader(text).tags:
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert not attrs.get(name) or attrs[name].startswith("#"), (tag, name)
    style = "".join(re.findall(r"<style>(.*?)</style>", text, re.S))
    assert "url(" not in style
    assert "@import" not in style
    policy = next(a["content"] for t, a in Reader(text).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")


def test_plotlys_script_is_there_once_and_only_where_it_is_needed(light, full):
    assert full.count("plotly.js v") == 1
    assert "plotly.js v" not in light
    assert 4e6 < len(full) < 5.6e6
    assert len(light) < 0.6e6


def test_every_figure_is_drawn_from_the_pages_own_data(full, page):
    data = {a["data-name"]: json.loads(t) for a, t in Reader(full).scripts if a.get("type") == "application/json"}
    assert list(data) == ["peaks", "rates", "curve val_loss", "curve train_loss"]
    lines = [t for t in data["curve val_loss"]["data"] if t.get("fill") != "toself"]
    assert [t["name"] for t in lines] == [b.label for b in page.losses[0].bands]
    assert lines[0]["y"][-1] == pytest.approx(page.losses[0].bands[0].mean[-1], rel=1e-5)
    places = {a["data-figure"] for _, a in Reader(full).tags if "data-figure" in a}
    assert places == set(data)


def test_the_static_form_holds_every_figure_as_svg_in_the_pages_colours(light):
    assert light.count('<div class="drawing"') == 4
    assert "var(--s1)" in light
    assert "var(--ink-2)" in light
    assert not re.search(r"#0[0-9a-f]{2}eef", light), "a stand-in colour was left in"


def test_the_page_says_verdict_ties_board_diagnosis_snippet_command_and_environment(light, page):
    words = " ".join(" ".join(Reader(light).words).split())
    for part in (
        page.question, page.answer.headline, *page.answer.sentences, *page.answer.not_proven, *page.answer.tie_set,
        "overfitting since step", "Weight decay", "labels must lie in", "calando.torch.attach", "scikit-learn",
        "calando compare", "not reached",
    ):  # fmt: skip
        assert " ".join(part.split()) in words, part
    assert "Tied: any of these may be the best" in words
    assert "The recommended schedule in PyTorch" in words


def test_only_a_proven_leader_is_called_the_winner(page):
    proven = replace(page, answer=replace(page.answer, proven=True))
    assert "The winning schedule in PyTorch" in page_html(proven, static=True)
    assert "winning" not in " ".join(Reader(page_html(page, static=True)).words)


def test_headings_come_in_order_and_every_drawing_has_words(light):
    tags = Reader(light).tags
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))
    for tag, attrs in tags:
        if tag == "svg" and attrs.get("viewbox") is None and "class" in attrs:
            assert attrs.get("aria-hidden") == "true"
    captions = sum(tag == "figcaption" for tag, _ in tags)
    assert captions == sum(tag == "figure" for tag, _ in tags)


def test_tables_scroll_in_a_box_that_the_keyboard_reaches(light):
    for table in re.finditer(r"<div class=\"scroll\"([^>]*)>\s*<table", light):
        assert 'tabindex="0"' in table[1]
        assert "aria-label" in table[1]
    assert light.count("<table") == len(re.findall(r"<div class=\"scroll\"[^>]*>\s*<table", light))


@pytest.mark.parametrize("static", [True, False])
def test_no_user_text_becomes_markup(hostile, page, static):
    calm, wild = Reader(page_html(page, static=static)), Reader(page_html(build(hostile), static=static))
    assert wild.problems == []
    assert {tag for tag, _ in wild.tags} <= {tag for tag, _ in calm.tags} | {"code", "path", "pre"}
    assert "img" not in {tag for tag, _ in wild.tags}
    attributes = {name for _, attrs in wild.tags for name in attrs}
    assert not {name for name in attributes if name.startswith("on")}
    assert [a for a, _ in wild.scripts if "type" not in a] == [a for a, _ in calm.scripts if "type" not in a]
    text = "".join(wild.words)
    assert "<img src=x" in text
    assert "{{ 7*7 }}" in text


@pytest.mark.parametrize("static", [True, False])
def test_no_control_sign_of_a_user_reaches_the_file_and_what_was_there_can_be_seen(hostile, page, static):
    text = page_html(build(hostile), static=static)
    ours = set(page_html(page, static=static))
    steering = {sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert steering <= ours | {"\n"}
    assert "\x1b" not in text
    assert "\u241b[31m" in text


def test_names_in_figures_are_neutralised_for_plotlys_own_markup(hostile):
    full = page_html(build(hostile))
    for attrs, text in Reader(full).scripts:
        if attrs.get("type") != "application/json":
            continue
        assert not re.search(r"[<>&\u2028\u2029]", text)
        for trace in json.loads(text)["data"]:
            assert "<" not in trace.get("name", "")
            assert "%{" not in trace.get("name", "")


def test_the_policy_names_the_hash_of_every_script_that_may_run(full):
    import base64
    import hashlib

    policy = next(a["content"] for t, a in Reader(full).tags if a.get("http-equiv") == "Content-Security-Policy")
    for attrs, text in Reader(full).scripts:
        if "type" not in attrs:
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy


def test_json_cannot_end_its_script_element():
    text = as_json({"a": "</script><!--\u2028&"})
    assert json.loads(text) == {"a": "</script><!--\u2028&"}
    assert not set("<>&\u2028") & set(text)


def test_an_odd_backtick_of_a_user_makes_no_code():
    assert str(coded("a ` b <i>")) == "a ` b &lt;i&gt;"


def test_a_lone_surrogate_does_not_keep_the_page_from_being_written(study, tmp_path):
    odd = replace(study, spec=replace(study.spec, question="caf\udce9?"))
    assert write_html(odd, tmp_path / "page.html", static=True).read_text("utf-8").count("caf\ufffd?") >= 1


def test_it_is_written_whole_and_leaves_no_draft(study, tmp_path):
    path = write_html(study, tmp_path / "new" / "page.html", static=True)
    assert [p.name for p in path.parent.iterdir()] == ["page.html"]
    assert path.read_text("utf-8").rstrip().endswith("</html>")


def test_a_folder_that_cannot_be_written_to_is_said_in_four_parts(study, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadValue, match="--out"):
        write_html(study, tmp_path / "file" / "page.html", static=True)


@pytest.mark.parametrize(("package", "static"), [("jinja2", True), ("plotly", False), ("matplotlib", True)])
def test_a_missing_package_names_the_extra(page, package, static, monkeypatch):
    import sys

    from calando.report import html, markup

    for cached in (markup.template, html._plotly):
        cached.cache_clear()
    gone = [m for m in sys.modules if m == package or m.startswith(package + ".")]
    for module in [*gone, package]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"calando\[lab\]"):
        page_html(page, static=static)
    for cached in (markup.template, html._plotly):
        cached.cache_clear()


def test_unfinished_and_empty_studies_are_pages_too(tmp_path):
    from calando.records import Candidate, Study, StudySpec

    half = studies.write(tmp_path / "half", finished=False, horizon=60, select=(0,))
    assert "Not finished" in page_html(build(half), static=True)
    empty = Study(StudySpec("Which?", "t.py:t", 10, (Candidate("c", "cosine()"),), baseline="c"))
    seen = Reader(page_html(build(empty)))
    assert (seen.problems, seen.stack) == ([], [])


def chromium(path, tmp_path, *more):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("NOT RUN: no chromium on this machine")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync",
               f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", *more,
               "--dump-dom", path.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    return done.stdout.decode("utf-8", "replace")


@pytest.mark.slow
def test_in_a_browser_our_script_runs_and_no_other(hostile, tmp_path):
    path = write_html(hostile, tmp_path / "page.html")
    dom = chromium(path, tmp_path)
    plots = re.findall(r'<div class="plot(?: [^"]*)?"', dom)
    assert len(plots) == 5
    assert all("js-plotly-plot" in plot for plot in plots), "a figure was not drawn, so the test would prove nothing"
    assert "<title>owned" not in dom
    assert "<img" not in dom.split('<div class="sheet">')[1].split("<script")[0].replace("&lt;img", "")


@pytest.mark.slow
def test_the_browser_test_would_see_a_script_that_slipped_through(page, tmp_path):
    path = tmp_path / "page.html"
    text = page_html(page, static=True).replace("<footer>", "<script>document.title='owned'</script><footer>")
    path.write_text(re.sub(r"<meta http-equiv[^>]*>", "", text), encoding="utf-8")
    assert "<title>owned" in chromium(path, tmp_path)
    path.write_text(text, encoding="utf-8")  # and the policy alone stops it
    assert "<title>owned" not in chromium(path, tmp_path)


@pytest.mark.slow
def test_a_narrow_window_never_scrolls_sideways(study, tmp_path):
    """In frames, since a window cannot be that narrow; the frame reports its own width."""
    inner = tmp_path / "inner.html"
    report = "parent.postMessage(document.documentElement.scrollWidth, '*')"
    probe = f"<script>addEventListener('load', () => {report})</script>"
    text = write_html(study, inner, static=False).read_text("utf-8")
    inner.write_text(re.sub(r"<meta http-equiv[^>]*>", "", text).replace("</body>", probe + "</body>"), "utf-8")
    outer = tmp_path / "outer.html"
    frame = '<iframe src="inner.html" style="width:{}px;height:900px;border:0"></iframe>'
    frames = "".join(frame.format(width) for width in (360, 1000))
    listen = "<script>addEventListener('message', e => document.title += ' ' + e.data)</script>"
    outer.write_text(f"<!doctype html><title>widths</title>{listen}{frames}", encoding="utf-8")
    dom = chromium(outer, tmp_path, "--hide-scrollbars", "--allow-file-access-from-files", "--window-size=1600,1200")
    widths = sorted(int(w) for w in re.search(r"<title>widths([ 0-9]*)</title>", dom)[1].split())
    assert widths == [360, 1000]
