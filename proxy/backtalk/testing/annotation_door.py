"""A door for annotations: a real HTTP server that keeps what it was sent, literally, and answers as a test plans."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Sent(NamedTuple):
    """One request: `body` is its JSON, None where there was none."""

    method: str
    path: str
    """With its query."""
    headers: dict[str, str]
    body: Any


Reply = tuple[int, Any]
"""Status and JSON."""


class AnnotationDoor:
    """What came, and what is answered: `answer` decides, else 200 with an empty object."""

    def __init__(self) -> None:
        self.url = ""
        self.sent: list[Sent] = []
        self.answer: Callable[[Sent], Reply | None] = lambda _: None

    def lines(self) -> list[str]:
        """Method and path of each request."""
        return [f"{sent.method} {sent.path}" for sent in self.sent]


@contextmanager
def annotation_door() -> Generator[AnnotationDoor]:
    """A running door."""
    state = AnnotationDoor()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent = Sent(self.command, self.path, headers, json.loads(raw) if raw else None)
            state.sent.append(sent)
            status, document = state.answer(sent) or (200, {})
            answer = b"" if status == 204 else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do_DELETE = _take  # noqa: N815 -- http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name
            """Say nothing."""
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
