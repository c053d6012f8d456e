"""The server: one thread that reads, one that answers, bound to loopback unless told otherwise."""

import secrets
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from calando.errors import BadValue, MissingExtra, shown
from calando.watch.serve.board import LOOK, Board
from calando.watch.serve.guard import Guard, hosts_of, loopback
from calando.watch.serve.judge import Judge

__all__ = ["Server"]

CONNECTIONS: Final = 128
FIRST_WORD: Final = 10.0
"""Seconds in which a connection must have sent a request, or it is closed."""


class Server:
    """The live page of some places.

    Args:
        places: paths of runs, studies, logs, or folders with any of them below.
        host: name or address of the interface to listen on; loopback unless told otherwise.
        port: number of the port, 0 for any that is free.
        steering: whether the page may send commands.
        token: text that opens the page; a new one unless given.

    Raises:
        MissingExtra: when starlette or uvicorn is not installed.
        BadFile: when a place is not there.
        BadValue: when the address cannot be listened on.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     server = Server([folder])
        ...     server.address.startswith("http://127.0.0.1:")
        ...     server.close()
        True
    """

    def __init__(
        self, places: Iterable[str | Path], host: str = "127.0.0.1", port: int = 0, *, steering: bool = True,
        token: str | None = None,
    ) -> None:  # fmt: skip
        needed()
        from calando.watch.serve.app import application, door

        named = tuple(Path(place) for place in places)
        self.board = Board(named, wait=True)
        self.judge = Judge(self.board)
        self.open_to_others = not loopback(host)
        self.token = token if token is not None else secrets.token_urlsafe(32)
        app = application(
            self.board, self.judge, ", ".join(place.name or str(place) for place in named), steering=steering
        )
        guard = Guard(app, self.token, hosts_of(host), literal=self.open_to_others, door=door)
        self._socket = _bound(host, port)
        self._server = _uvicorn(guard)
        self._thread: threading.Thread | None = None
        self._reader: threading.Thread | None = None
        self._looker: threading.Thread | None = None
        self._over = threading.Event()
        self.host, self.port = host, int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        """The whole address, with the token that opens it."""
        return f"{self.origin}/?token={self.token}"

    @property
    def origin(self) -> str:
        """The address without the token."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 - said, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def run(self) -> None:
        """Serve until interrupted."""
        self._read()
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self.close()

    def start(self) -> None:
        """Serve in threads of its own until `close`."""
        self._read()
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="calando-watch-server", daemon=True
        )
        self._thread.start()
        for _ in range(400):
            if self._server.started or not self._thread.is_alive():
                return
            time.sleep(0.025)

    def close(self) -> None:
        """Stop; calling it twice does no harm."""
        self._over.set()
        self._server.should_exit = self._server.force_exit = True
        for thread in (self._thread, self._reader, self._looker):
            if thread is not None and thread is not threading.current_thread():
                thread.join(10)
        self.judge.close()
        self._socket.close()

    def _read(self) -> None:
        self._reader = threading.Thread(target=self._go, name="calando-watch-reader", daemon=True)
        self._looker = threading.Thread(target=self._look, name="calando-watch-looker", daemon=True)
        self._reader.start()
        self._looker.start()
        self.judge.start()

    def _go(self) -> None:
        while not self._over.is_set():
            try:
                more = self.board.read()
            except OSError:  # a folder that is taken away under our hands
                more = False
            self._over.wait(0.005 if more else LOOK)

    def _look(self) -> None:
        """Searching and reading whole files take their time; no run under way waits for them."""
        while not self._over.is_set():
            with suppress(OSError):
                self.board.look()
            self._over.wait(LOOK)


def needed() -> None:
    """Refuse where the page cannot be served.

    Raises:
        MissingExtra: when starlette or uvicorn is not installed.
    """
    from importlib.util import find_spec

    absent = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if absent:
        raise MissingExtra(
            given=f"no {' and no '.join(absent)}",
            allowed="starlette and uvicorn, which serve the live page",
            where="calando watch",
            fix="pip install 'calando[watch]', or look in the terminal: calando watch --text",
        )


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, proto)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        raise BadValue(
            given=f"{shown(host)}, port {port}: {error}",
            allowed="an address of this machine and a port that is free",
            where="calando watch --host, --port",
            fix="leave both out: loopback, and any free port",
        ) from error
    return bound


def _uvicorn(app: Any) -> Any:
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        """A connection that says nothing, or does not finish what it began to ask, is closed."""

        waiting: Any = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.waiting is not None:
                self.waiting.cancel()

        def _wait(self) -> None:
            asked = self.cycle is not None and not self.cycle.response_complete
            if not asked and self.waiting is None:
                self.waiting = self.loop.call_later(FIRST_WORD, self._late)
            elif asked and self.waiting is not None:
                self.waiting.cancel()
                self.waiting = None

        def _late(self) -> None:
            self.waiting = None
            if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
                self.transport.close()

    config = uvicorn.Config(
        app, loop="asyncio", http=Impatient, ws="none", lifespan="off", interface="asgi3", access_log=False,
        log_config=None, log_level="critical", server_header=False, limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=65_536, timeout_keep_alive=30, timeout_graceful_shutdown=1, proxy_headers=False,
    )  # fmt: skip
    return uvicorn.Server(config)
