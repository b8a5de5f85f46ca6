"""A webhook is told of a proposal."""

import base64
import hashlib
import hmac
import http.server
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from backtalk.errors import SetupError
from backtalk.pipeline import telling
from backtalk.pipeline.telling import TRIES, signature, tell

SECRET = "whsec_" + base64.b64encode(b"0" * 24).decode()


class Hook:
    """A receiver that answers as it is told, and keeps what came."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(hook.statuses.pop(0) if hook.statuses else 204)
                self.send_header("location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
                del format, args

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A receiver that listens."""
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_a_message_is_signed_as_standard_webhooks_says(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over its id, its time and its body, with the secret that the variable holds."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    assert tell(hook.url, "HOOK_SECRET", "p-1", {"a": "é"}).told
    ((headers, body),) = hook.requests
    assert json.loads(body) == {"a": "é"}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(b"0" * 24, signed, hashlib.sha256).digest()).decode()
    assert (headers["webhook-id"], headers["webhook-signature"]) == ("p-1", f"v1,{wanted}")


def test_it_is_told_again_under_one_id_until_it_is_taken(hook: Hook) -> None:
    """A redirect is no yes."""
    hook.statuses = [500, 302]
    assert tell(hook.url, None, "p-1", {}) == (True, 3, "")
    assert {headers["webhook-id"] for headers, _ in hook.requests} == {"p-1"}


def test_it_is_told_so_often_and_no_more(hook: Hook) -> None:
    """And what came last is said."""
    hook.statuses = [503] * 10
    assert tell(hook.url, None, "p-1", {}) == (False, TRIES, "status 503")
    assert len(hook.requests) == TRIES


def test_nobody_there_is_no_failure_of_the_run() -> None:
    """It is said."""
    sent = tell("http://127.0.0.1:1/", None, "p-1", {})
    assert (sent.told, sent.attempts) == (False, TRIES)
    assert sent.message


NO_HTTP = (
    b"hello\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000 + b"\r\n\r\n",
    b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"x: a\r\n" * 200 + b"\r\n",
)


def test_what_answers_no_http_is_no_failure_of_the_run() -> None:
    """Whatever comes back, it was not taken, and that is said on one line."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            for said in NO_HTTP:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        sent = tell(f"http://127.0.0.1:{listening.getsockname()[1]}/", None, "p-1", {})
        thread.join()
    assert (sent.told, sent.attempts) == (False, len(NO_HTTP))
    assert "more than 100 headers" in sent.message


def test_without_its_secret_nothing_is_sent(hook: Hook) -> None:
    """Unsigned it would be taken for a forgery, or teach a receiver to look away."""
    sent = tell(hook.url, "A_VARIABLE_THAT_IS_NOT_SET", "p-1", {})
    assert not sent.told
    assert "A_VARIABLE_THAT_IS_NOT_SET" in sent.message
    assert hook.requests == []


def test_a_secret_may_be_any_text() -> None:
    """Then its bytes are the key."""
    assert signature("plain", "i", "1", b"{}") == signature("whsec_cGxhaW4=", "i", "1", b"{}")
    assert telling.PAUSE_S > 0


@pytest.mark.parametrize("secret", ["whsec_", "whsec_!!!!", "whsec_a"])
def test_a_secret_that_is_none_signs_nothing(secret: str) -> None:
    """Anybody could make the signature of an empty key."""
    with pytest.raises(SetupError, match="whsec_"):
        signature(secret, "i", "1", b"{}")
