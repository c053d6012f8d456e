"""Who may come in: the right token, the right name of this machine, no other site's page; and nothing that is too much.

- Every request bears the token: in its `Authorization` header, or, for the page itself, in its address.
- `Host` is one of ours, so that a name which somebody points at this machine (DNS rebinding) opens nothing.
- `Origin`, where a browser sends it, is ours, and no other site's page starts a request of ours.
- Bodies, addresses and the number of streams are bounded.
"""

import hmac
import ipaddress
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl

__all__ = ["BODY", "Guard", "hosts_of", "refusal"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY: Final = 4096
"""Bytes of a request's body: a command is some forty."""

ADDRESS: Final = 48_000
"""Bytes of a query: five hundred runs and sixteen names."""

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
CLOSED: Final = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def hosts_of(host: str) -> frozenset[str]:
    """The names under which the page may be asked for; where it is bound to more than loopback, also this machine's.

    >>> sorted(hosts_of("127.0.0.1"))
    ['127.0.0.1', '::1', 'localhost']
    """
    names = {*LOOPBACK, host.lower()}
    if not loopback(host):
        import socket

        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names)


def loopback(host: str) -> bool:
    """Whether an address is this machine's own, which nobody else reaches.

    >>> loopback("127.0.0.1"), loopback("localhost"), loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """The door in front of an ASGI application.

    Args:
        app: the application behind it.
        token: text that opens it; a new one of 256 bits unless given.
        hosts: names under which it may be asked for.
        literal: whether any address in numbers is a name of ours; true where the server is bound to more than loopback.
        door: called with a nonce, gives the page that asks for the token.

    Example:
        >>> guard = Guard(lambda scope, receive, send: None)
        >>> len(guard.token)
        43
    """

    def __init__(
        self,
        app: App,
        token: str | None = None,
        hosts: Iterable[str] = LOOPBACK,
        *,
        literal: bool = False,
        door: Callable[[str], bytes] | None = None,
    ) -> None:
        self.token = token if token is not None else secrets.token_urlsafe(32)
        self.hosts = frozenset(hosts)
        self._app, self._literal, self._door = app, literal, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers: dict[bytes, list[bytes]] = {}
        for key, value in scope["headers"]:
            headers.setdefault(key.lower(), []).append(value)
        wrong = self._wrong(scope, headers)
        if wrong is not None:
            await _answer(send, *wrong)
            return
        if not self._known(scope, headers):
            if scope["path"] == "/" and scope["method"] == "GET" and self._door is not None:
                nonce = secrets.token_urlsafe(16)
                policy = CLOSED.replace(
                    b";", f"; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:;".encode(), 1
                )
                await _send(send, 401, self._door(nonce), b"text/html; charset=utf-8", policy)
            else:
                await _answer(
                    send, 401, "no token, or not the right one", "open the address that calando watch printed"
                )
            return

        async def bounded() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                bounded.left -= len(message.get("body", b""))  # type: ignore[attr-defined]
                if bounded.left < 0:  # type: ignore[attr-defined]
                    return {"type": "http.disconnect"}
            return message

        bounded.left = BODY  # type: ignore[attr-defined]
        await self._app(scope, bounded, _sealed(send))

    def _wrong(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> tuple[int, str, str] | None:
        """What is wrong with a request before its token is looked at: status, what, what to do."""
        hosts = headers.get(b"host", [])
        if len(hosts) != 1 or not self._ours(hosts[0].decode("latin-1"), scope):
            return 421, "a name that is none of this server's", "open the address that calando watch printed"
        scheme = scope.get("scheme", "http")
        origins = headers.get(b"origin", [])
        if any(
            origin.decode("latin-1").lower() != f"{scheme}://{hosts[0].decode('latin-1').lower()}" for origin in origins
        ):
            return 403, "a request from another site's page", "open this page by itself"
        site = [value.decode("latin-1") for value in headers.get(b"sec-fetch-site", [])]
        if scope["path"] != "/" and any(value not in ("same-origin", "none") for value in site):
            return 403, "a request from another site's page", "open this page by itself"
        if scope["method"] not in ("GET", "POST"):
            return 405, "a method other than GET and POST", "ask by one of them"
        if len(scope.get("query_string", b"")) > ADDRESS or len(scope.get("raw_path") or b"") > 400:
            return 414, "an address that is too long", "ask for fewer runs at once"
        lengths = headers.get(b"content-length", [])
        if any(not value.isdigit() or int(value[:12]) > BODY for value in lengths):
            return 413, f"a body of more than {BODY:,} bytes", "say it shorter"
        return None

    def _ours(self, host: str, scope: Scope) -> bool:
        name, port = _split(host)
        server = scope.get("server")
        if (
            server is not None
            and server[1] is not None
            and port != server[1]
            and not (port is None and server[1] == 80)
        ):
            return False
        if name.lower() in self.hosts:
            return True
        if not self._literal:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _known(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> bool:
        given = [value for value in headers.get(b"authorization", []) if value[:7].lower() == b"bearer "]
        tokens = [value[7:].strip() for value in given]
        if scope["path"] == "/" and scope["method"] == "GET":
            query = parse_qsl(scope.get("query_string", b"")[:1000].decode("latin-1"))
            tokens += [value.encode("utf-8", "replace") for key, value in query if key == "token"]
        return len(tokens) == 1 and hmac.compare_digest(tokens[0], self.token.encode())


def refusal(given: str, fix: str, **more: str) -> bytes:
    """A refusal as JSON, in the four parts of every error."""
    said = {"given": given, "allowed": more.get("allowed", ""), "where": more.get("where", ""), "fix": fix}
    return json.dumps({"error": said}).encode()


def _split(host: str) -> tuple[str, int | None]:
    """A Host header's name and port; a port that is none is -1."""
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":") if rest else ""
    else:
        name, _, port = host.partition(":")
    return name, None if not port else int(port) if port.isascii() and port.isdigit() and len(port) < 6 else -1


def _sealed(send: Send) -> Send:
    """The same, with the headers that every answer bears."""

    async def sealed(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = {key for key, _ in message["headers"]}
            more = [*HEADERS, (b"content-security-policy", CLOSED)]
            message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in known)]
        await send(message)

    return sealed


async def _answer(send: Send, status: int, given: str, fix: str) -> None:
    await _send(send, status, refusal(given, fix), b"application/json", CLOSED)


async def _send(send: Send, status: int, body: bytes, kind: bytes, policy: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [*headers, (b"content-security-policy", policy)],
    }
    await _sealed(send)(start)
    await send({"type": "http.response.body", "body": body})
