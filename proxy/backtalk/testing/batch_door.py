"""A door for imports: a real HTTP server that answers batches as the public listener does."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, Any]]
Plan = Callable[[int], Reply | None]
"""The answer to a request by its number, from 1; None leaves it to the door."""


@dataclass
class ListeningDoor:
    """What came, and what is answered; a value `refuse` is refused, and a body with `large` in it is too large."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    plan: Plan | None = None
    cut: frozenset[int] = frozenset()
    """Requests that are taken and never answered: the connection ends."""
    known: set[str] = field(default_factory=set[str])

    def items(self) -> list[dict[str, Any]]:
        """Everything that was sent, in order."""
        return [item for body in self.bodies for item in body["items"]]

    def take(self, body: dict[str, Any]) -> Reply:
        """Answer as the public listener does."""
        if any(item.get("value") == "large" for item in body["items"]):
            return 413, {"error": {"message": "too large"}}
        replies = [self._one(item) for item in body["items"]]
        return 207, {"items": replies}

    def _one(self, item: dict[str, Any]) -> dict[str, Any]:
        if item.get("value") == "refuse":
            return {"error": {"type": "invalid_request_error", "code": "invalid_field", "message": "value is wrong"}}
        duplicate = item["id"] in self.known
        self.known.add(item["id"])
        return {"feedback_id": item["id"].removeprefix("import-"), "duplicate": duplicate}


@contextmanager
def batch_door() -> Generator[ListeningDoor]:
    """A running door."""
    state = ListeningDoor()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Take a batch."""
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            state.bodies.append(body)
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            number = len(state.bodies)
            status, document = (state.plan and state.plan(number)) or state.take(body)
            if number in state.cut:
                self.close_connection = True
                return
            raw = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            if status == 503:
                self.send_header("retry-after", "7")
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name
            """Say nothing."""
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()
