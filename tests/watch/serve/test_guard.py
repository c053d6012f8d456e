"""Who comes in: the right token by the right name from our own page; others stay outside, and learn nothing."""

import contextlib
import json
import secrets
import socket
import time
from pathlib import Path

import pytest

from calando.watch.serve import server as module
from calando.watch.serve.guard import BODY, Guard, hosts_of
from tests.watch.serve.served import OURS, Client, ended, record, serving

PATHS = ("/", "/api/board", "/api/stream", "/api/curves?run=r1&name=lr", "/api/run/r1", "/nowhere")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    ended(record(folder, "first"))
    with serving(folder) as server:
        yield server


@pytest.fixture
def client(server):
    return Client(server)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "", "wrong", "T" * 43])
def test_no_address_opens_without_the_token(client, server, path, token):
    status, headers, body = client.ask(path, bearer=token)
    assert status == 401
    assert b"first" not in body
    assert server.token.encode() not in body
    assert headers["cache-control"] == "no-store"


def test_a_token_that_is_only_nearly_right_is_wrong(client, server):
    for token in (server.token[:-1], server.token + "a", server.token.swapcase(), "*"):
        assert client.ask("/api/board", bearer=token)[0] == 401
    assert client.ask("/api/board")[0] == 200


def test_tokens_are_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: compared.append((a, b)) or a == b)
    guard = Guard(None, "secret")
    assert guard._known({"path": "/api", "method": "GET"}, {b"authorization": [b"Bearer wrong"]}) is False
    assert guard._known({"path": "/api", "method": "GET"}, {b"authorization": [b"Bearer secret"]}) is True
    assert compared == [(b"wrong", b"secret"), (b"secret", b"secret")]


def test_the_token_in_an_address_opens_the_page_alone(client, server):
    assert client.ask(f"/?token={server.token}", bearer=None)[0] == 200
    assert client.ask(f"/api/board?token={server.token}", bearer=None)[0] == 401
    assert client.ask(f"/?token=wrong&token={server.token}", bearer=None)[0] == 401


def test_each_server_has_a_token_of_its_own_of_256_bits(tmp_path):
    tokens = set()
    for _ in range(3):
        with serving(tmp_path) as server:
            tokens.add(server.token)
    assert len(tokens) == 3
    assert all(len(token) == len(secrets.token_urlsafe(32)) for token in tokens)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "0" + ".0" * 3, "[::2]"],
)
def test_a_name_that_somebody_points_at_this_machine_opens_nothing(client, server, host):
    """DNS rebinding: the browser believes that it talks to evil.example, and sends what that page told it."""
    status, _, body = client.ask("/api/board", host=f"{host}:{server.port}")
    assert status == 421
    assert b"first" not in body


@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:x", "127.0.0.1:99999999999"])
def test_nor_does_another_port(client, host):
    assert client.ask("/api/board", host=host)[0] == 421


def test_nor_does_a_request_without_a_name_or_with_two(client, server):
    assert client.ask("/api/board", host=None)[0] in (400, 421)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        two = f"Host: 127.0.0.1:{server.port}\r\nHost: 127.0.0.1:{server.port}\r\n"
        line.sendall(f"GET /api/board HTTP/1.1\r\n{two}Authorization: Bearer {server.token}\r\n\r\n".encode())
        assert line.recv(100).split()[1] in (b"400", b"421")


def test_localhost_is_a_name_of_ours(client, server):
    assert client.ask("/api/board", host=f"localhost:{server.port}")[0] == 200
    assert client.ask("/api/board", host=f"LOCALHOST:{server.port}")[0] == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:{port}", "file://"]
)
def test_another_sites_page_sends_no_commands(client, server, origin):
    """Cross-site request forgery, by whoever got hold of the token."""
    said = {"text": "stop", "revision": None}
    status, told = client.post("/api/run/r1/command", said, origin=origin.format(port=server.port))
    assert status == 403
    assert "another site" in told["error"]["given"]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_nor_reads_anything(client, site):
    assert client.ask("/api/board", sec_fetch_site=site)[0] == 403


def test_our_own_page_may_do_both(client, server):
    origin = f"http://127.0.0.1:{server.port}"
    assert client.ask("/api/board", origin=origin, sec_fetch_site="same-origin")[0] == 200
    status, told = client.post("/api/run/r1/command", {"text": "stop"}, origin=origin)
    assert status == 422
    assert "over" in told["error"]["fix"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "HEAD", "CONNECT"])
def test_no_other_method_is_known(client, method):
    assert client.ask("/api/board", method)[0] == 405


@pytest.mark.parametrize("path", [
    "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/run/..%2f..%2fetc%2fpasswd", "/api/run/%2e%2e",
    "/static/page.js", "//etc/passwd", "/api/run/r1/../../../etc/passwd", "/api/run/r1%00", "/assets/page.html",
    "/api/run/r2", "/record.jsonl",
])  # fmt: skip
def test_no_path_leads_out(client, path):
    status, _, body = client.ask(path)
    assert status == 404
    assert b"root:" not in body


@pytest.mark.parametrize("run", ["../../etc", "r1/../r1", "/", "r999", "", "R1", "r1 ", "\x00"])
def test_runs_are_asked_for_by_ids_and_not_by_paths(client, run):
    from urllib.parse import quote

    _, _, body = client.ask(f"/api/curves?run={quote(run)}&name=lr&from=0&to=10")
    assert json.loads(body[4 : 4 + int.from_bytes(body[:4], "little")])["curves"] == []


def test_a_large_body_is_refused_before_it_is_read(client):
    status, _, body = client.ask("/api/run/r1/command", "POST", b"x" * (BODY + 1))
    assert status == 413
    assert b"4,096" in body


def test_a_large_body_in_pieces_is_refused_while_it_is_read(client, server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        head = f"POST /api/run/r1/command HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nTransfer-Encoding: chunked\r\n"
        line.sendall(f"{head}Authorization: Bearer {server.token}\r\n\r\n".encode())
        sent = 0
        try:
            for _ in range(10_000):
                line.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
                sent += 1024
            answered = line.recv(100)
        except OSError:
            answered = b""
        assert not answered or answered.split()[1] in (b"400", b"413", b"422")
        assert sent < 10_000 * 1024 or answered
    assert client.ask("/api/board")[0] == 200


def test_an_address_without_end_is_refused(client):
    assert client.ask("/api/curves?" + "run=r1&" * 9000)[0] == 414
    assert client.ask("/" + "x" * 1000)[0] == 414
    with contextlib.suppress(OSError):  # cut off while it is still being sent
        assert client.ask("/api/board", x_long="y" * 200_000)[0] >= 400
    assert client.ask("/api/board")[0] == 200


@pytest.mark.parametrize("query", [
    "from=nan&to=1", "from=1&to=1", "from=0&to=inf", "px=0", "px=1000000000", "px=x", "from=5&to=1",
    "from=1e300&to=2e300",
    "&".join(f"name=n{i}" for i in range(40)),
])  # fmt: skip
def test_a_window_that_is_none_is_refused_in_four_parts(client, query):
    status, _, body = client.ask(f"/api/curves?run=r1&name=lr&{query}")
    assert status == 422
    assert set(json.loads(body)["error"]) == {"given", "allowed", "where", "fix"}


NO_COMMANDS = (
    b"", b"[]", b"null", b"{", b'{"text": 5}', b'{"text": "stop", "revision": "x"}', b'{"text": ""}',
    b'{"text": "' + b"x" * 300 + b'"}', b"\xff\xfe", b"[" * 4000,
)  # fmt: skip


@pytest.mark.parametrize("body", NO_COMMANDS)
def test_what_is_no_command_is_refused(client, body):
    status, _, told = client.ask("/api/run/r1/command", "POST", body)
    assert status == 422
    assert "no command" in json.loads(told)["error"]["given"]


def test_every_answer_forbids_what_the_page_does_not_need(client, server):
    for path, token in (("/", OURS), ("/", None), ("/api/board", OURS), ("/nowhere", OURS), ("/api/board", None)):
        _, headers, _ = client.ask(path, bearer=token)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers
        assert not any(name.startswith("access-control") for name in headers)


def test_every_page_has_a_nonce_of_its_own_and_no_token_in_it(client, server):
    nonces = set()
    for _ in range(2):
        _, headers, body = client.ask("/")
        nonce = headers["content-security-policy"].partition("script-src 'nonce-")[2].partition("'")[0]
        assert body.count(b"<script") == body.count(f'<script nonce="{nonce}"'.encode()) == 1
        assert server.token.encode() not in body
        assert b"onclick" not in body
        assert b"style=" not in body
        nonces.add(nonce)
    assert len(nonces) == 2


def test_it_listens_on_loopback_alone(server):
    assert server._socket.getsockname()[0] == "127.0.0.1"
    assert not server.open_to_others
    assert hosts_of("127.0.0.1") == {"127.0.0.1", "localhost", "::1"}


def test_told_to_let_others_in_it_takes_addresses_in_numbers_but_still_no_names_it_does_not_know(tmp_path):
    with serving(tmp_path, host="0" + ".0" * 3) as open_:
        assert open_.open_to_others
        client = Client(open_)
        assert client.ask("/api/board", host=f"192.168.1.7:{open_.port}")[0] == 200
        assert client.ask("/api/board", host=f"[fe80::1]:{open_.port}")[0] == 200
        assert client.ask("/api/board", host=f"evil.example:{open_.port}")[0] == 421
        assert client.ask("/api/board", bearer=None)[0] == 401


def test_nothing_that_is_asked_is_printed(client, server, capfd):
    client.ask(f"/?token={server.token}", bearer=None)
    client.ask("/api/board", bearer="wrong")
    out, err = capfd.readouterr()
    assert out == err == ""


def test_a_connection_that_says_nothing_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FIRST_WORD", 0.4)
    with serving(tmp_path) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as silent, \
                socket.create_connection(("127.0.0.1", server.port), timeout=10) as slow:  # fmt: skip
            slow.sendall(b"GET / HT")
            assert silent.recv(10) == b""
            assert slow.recv(10) == b""
        assert Client(server).ask("/api/board")[0] == 200


def test_a_connection_that_has_asked_once_may_not_dawdle_over_its_second_question(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FIRST_WORD", 0.4)
    with serving(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port), timeout=10) as slow:
        head = f"GET /api/board HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.token}\r\n"
        slow.sendall(f"{head}\r\n".encode())
        assert slow.recv(65536).startswith(b"HTTP/1.1 200")
        time.sleep(0.6)  # between two questions it may wait
        began = time.monotonic()
        slow.sendall(head.encode())
        for _ in range(8):  # a word now and then does not make it longer
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                slow.sendall(b"X: y\r\n")
        while slow.recv(65536):
            pass
        assert time.monotonic() - began < 5


def test_connections_are_bounded_and_whoever_leaves_makes_room(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CONNECTIONS", 8)
    monkeypatch.setattr(module, "FIRST_WORD", 1.0)
    with serving(tmp_path) as server:
        client = Client(server)
        lines = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(20)]
        time.sleep(0.2)
        assert client.ask("/api/board")[0] == 503
        time.sleep(1.5)  # they said nothing
        assert client.ask("/api/board")[0] == 200
        for line in lines:
            line.close()


def test_open_pages_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("calando.watch.serve.app.STREAMS", 2)
    with serving(tmp_path) as server:
        ask = (
            f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.token}\r\n\r\n"
        ).encode()
        lines = []
        for _ in range(3):
            line = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            line.sendall(ask)
            lines.append((line, line.recv(4096).split()[1]))
        assert [status for _, status in lines] == [b"200", b"200", b"503"]
        for line, _ in lines:
            line.close()
        time.sleep(1.0)
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
            line.sendall(ask)
            assert line.recv(4096).split()[1] == b"200"


def test_pages_that_open_all_at_once_are_bounded_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr("calando.watch.serve.app.STREAMS", 3)
    with serving(tmp_path) as server:
        head = f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.token}\r\n"
        lines = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(20)]
        for line in lines:
            line.sendall(f"{head}\r\n".encode())
        said = sorted(line.recv(4096).split()[1] for line in lines)
        assert said == [b"200"] * 3 + [b"503"] * 17
        for line in lines:
            line.close()


def test_a_port_that_is_taken_is_refused_in_four_parts(tmp_path: Path, server):
    from calando.errors import BadValue

    with pytest.raises(BadValue, match="port"):
        module.Server([tmp_path], port=server.port)
