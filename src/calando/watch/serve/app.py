"""The page and what it asks for: the board, a run, curves of a window, the stream of changes, commands."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from calando.errors import BadName, BadValue, CalandoError, tame
from calando.watch.serve.board import MOST_RUNS, Board
from calando.watch.serve.curves import asked, curves
from calando.watch.serve.guard import refusal
from calando.watch.serve.judge import Judge
from calando.watch.serve.shown import Shown
from calando.watch.serve.told import clean, details, summary

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["application", "asset", "door", "page"]

STREAMS: Final = 16
"""Pages that are open at once."""

TICK: Final = 0.2
BEAT: Final = 10.0
"""Seconds after which a stream without news says that it is there."""

PATIENCE: Final = 10.0
SCRIPTS: Final = ("util", "net", "paint", "panes", "touch", "side", "details", "steer", "keys", "main")


def asset(name: str) -> str:
    """A file of the page, as text."""
    return files("calando.watch").joinpath("assets", *name.split("/")).read_text(encoding="utf-8")


def page(nonce: str) -> bytes:
    """The page, whole: nothing of it is fetched from anywhere."""
    script = "\n".join(
        [
            asset("vendor/uPlot.iife.min.js"),
            "(function () {",
            '"use strict";',
            *(asset(f"js/{name}.js") for name in SCRIPTS),
            "})();",
        ]
    )
    style = asset("vendor/uPlot.min.css") + asset("page.css")
    text = asset("page.html").replace("@nonce@", nonce)
    return text.replace("@style@", style).replace("@script@", script).encode()


def door(nonce: str) -> bytes:
    """The page that asks for the token."""
    return asset("door.html").replace("@nonce@", nonce).encode()


def policy(nonce: str) -> str:
    """What the page may do: run and wear what came with it, and ask this server."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )


class Answers:
    """What the routes answer, from one board."""

    def __init__(self, board: Board, judge: Judge, title: str, steer: "Steering | None") -> None:
        self.board, self.judge, self.title, self.steer = board, judge, title, steer
        self.streams = 0

    async def page(self, _: "Request") -> "Response":
        from starlette.responses import Response

        nonce = secrets.token_urlsafe(16)
        headers = {"content-security-policy": policy(nonce)}
        return Response(page(nonce), media_type="text/html", headers=headers)

    def all(self, since: int = -1) -> dict[str, Any]:
        """The board as it stands, or what of it has changed after a revision."""
        board = self.board
        with board.lock:
            changed = [name for name, at in board.changed.items() if at > since]
            runs = [self._may(summary(name, board.runs[name])) for name in changed if name in board.runs]
            gone = [name for name in changed if name not in board.runs]
            return {
                "revision": board.revision,
                "runs": runs,
                "gone": gone,
                "problems": [clean(p) for p in board.problems],
            }

    def _may(self, told: dict[str, Any]) -> dict[str, Any]:
        """The same, where this page may not steer what could be steered."""
        if self.steer is None and told["steer"]["can"] != "nothing":
            told["steer"] = {"can": "nothing", "why": "This page only looks: it was started with --no-steering."}
        return told

    async def board_(self, _: "Request") -> "Response":
        return _json({"title": clean(self.title), **await _aside(self.all)})

    async def run(self, request: "Request") -> "Response":
        name, run = self._named(request)
        self.judge.wanted = name

        def told() -> dict[str, Any]:
            with self.board.lock:
                return self._may(details(name, run))

        return _json(await _aside(told))

    async def curves(self, request: "Request") -> "Response":
        from starlette.responses import Response

        window = asked(request.query_params.multi_items(), MOST_RUNS)
        body = await _aside(lambda: curves(self.board, window))
        return Response(body, media_type="application/octet-stream")

    async def stream(self, _: "Request") -> "Response":
        from starlette.responses import Response, StreamingResponse

        if self.streams >= STREAMS:
            said = refusal(f"{STREAMS} pages that are open already", "close one of them")
            return Response(said, 503, media_type="application/json")
        answers = self
        self.streams += 1

        class Counted(StreamingResponse):
            """Counted from when it was granted to when it is over, whether it was ever begun or not."""

            async def __call__(self, *given: Any) -> None:
                try:
                    await super().__call__(*given)
                finally:
                    answers.streams -= 1

        return Counted(self._news(), media_type="text/event-stream")

    async def _news(self) -> AsyncIterator[bytes]:
        known, quiet = -1, 0.0
        while True:
            if self.board.revision != known:
                said = await _aside(lambda since=known: self.all(since))  # type: ignore[misc]
                known, quiet = said["revision"], 0.0
                yield b"data: " + json.dumps(said, allow_nan=False).encode() + b"\n\n"
            elif quiet >= BEAT:
                quiet = 0.0
                yield b": still there\n\n"
            await asyncio.sleep(TICK)
            quiet += TICK

    async def command(self, request: "Request") -> "Response":
        name, run = self._named(request)
        said = await self._said(request)
        return _json(await _aside(lambda: self._steering().send(run, *_command(said))) | {"run": name})

    async def preview(self, request: "Request") -> "Response":
        _, run = self._named(request)
        text, _revision = _command(await self._said(request))
        return _json(await _aside(lambda: self._steering().preview(run, text)))

    def _steering(self) -> "Steering":
        if self.steer is None:
            raise BadValue(
                given="a command to a page that only looks",
                allowed="looking on",
                where="calando watch",
                fix="start it without --no-steering",
            )
        return self.steer

    def _named(self, request: "Request") -> tuple[str, Shown]:
        name = str(request.path_params["run"])
        run = self.board.runs.get(name)
        if run is None:
            raise BadName(
                given=f"the run {tame(name[:40])}",
                allowed="one of the board's",
                where="calando watch",
                fix="load the page anew",
            )
        return name, run

    async def _said(self, request: "Request") -> dict[str, Any]:
        try:
            said = json.loads(await asyncio.wait_for(request.body(), PATIENCE))
        except (ValueError, RecursionError, TimeoutError) as error:
            raise _no_command() from error
        if not isinstance(said, dict):
            raise _no_command()
        return said


class Steering:
    """What a command does: `send` writes it into the run's inbox, `preview` gives the rates that it would bring."""

    def send(self, run: Shown, text: str, revision: int | None) -> dict[str, Any]:
        """Send a command."""
        from calando.watch.serve.steering import send

        return send(run, text, revision)

    def preview(self, run: Shown, text: str) -> dict[str, Any]:
        """What it would bring."""
        from calando.watch.serve.steering import preview

        return preview(run, text)


def application(board: Board, judge: Judge, title: str = "", *, steering: bool = True) -> "Starlette":
    """The application behind the door; a `Guard` stands before it."""
    from starlette.applications import Starlette
    from starlette.requests import ClientDisconnect
    from starlette.responses import Response
    from starlette.routing import Route

    answers = Answers(board, judge, title, Steering() if steering else None)

    async def refused(_: "Request", error: Exception) -> Response:
        if isinstance(error, CalandoError):
            more = {"allowed": tame(error.allowed), "where": tame(error.where)}
            body = refusal(tame(error.given), tame(error.fix), **more)
            return Response(body, 404 if isinstance(error, BadName) else 422, media_type="application/json")
        return Response(refusal("a request that broke off", "ask again"), 400, media_type="application/json")

    async def unknown(_: "Request", error: Exception) -> Response:
        status = getattr(error, "status_code", 404)
        return Response(refusal("an address that leads nowhere", "open /"), status, media_type="application/json")

    ways: list[tuple[str, Callable[[Any], Awaitable[Response]], str]] = [
        ("/", answers.page, "GET"),
        ("/api/board", answers.board_, "GET"),
        ("/api/stream", answers.stream, "GET"),
        ("/api/curves", answers.curves, "GET"),
        ("/api/run/{run:str}", answers.run, "GET"),
        ("/api/run/{run:str}/command", answers.command, "POST"),
        ("/api/run/{run:str}/preview", answers.preview, "POST"),
    ]
    handlers: dict[Any, Any] = {CalandoError: refused, ClientDisconnect: refused, 404: unknown, 405: unknown}
    return Starlette(routes=[Route(path, way, methods=[how]) for path, way, how in ways], exception_handlers=handlers)


def _command(said: dict[str, Any]) -> tuple[str, int | None]:
    text, revision = said.get("text"), said.get("revision")
    if not isinstance(text, str) or not 0 < len(text) <= 200 or not (revision is None or type(revision) is int):
        raise _no_command()
    return text, revision


def _no_command() -> BadValue:
    return BadValue(
        given="something that is no command",
        allowed='{"text": up to 200 signs, "revision": a whole number or null}',
        where="calando watch",
        fix='send {"text": "cooldown 10%", "revision": 0}',
    )


async def _aside(work: Callable[[], Any]) -> Any:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(work)


def _json(said: Any) -> "Response":
    from starlette.responses import Response

    return Response(json.dumps(said, allow_nan=False).encode(), media_type="application/json")
