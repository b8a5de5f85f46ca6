"""A fine-tuning service: a real HTTP server that holds OpenAI's documented rules, and fails on demand.

In: requests of any client of `/v1/files` and `/v1/fine_tuning/jobs`. Out: what the service would say. The one rule:
what the documents refuse is refused here: a wrong purpose, fewer than 10 lines, lines of another form, unknown files.
"""

import contextlib
import email.parser
import email.policy
import json
import re
import threading
from collections.abc import Generator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

LEAST_LINES: Final = 10
_JOB: Final = re.compile(r"/v1/fine_tuning/jobs/(?P<id>[^/?]+)(?P<rest>/events|/cancel)?")
_WANTED: Final[Mapping[str, frozenset[str]]] = {
    "supervised": frozenset(("messages",)),
    "dpo": frozenset(("input", "preferred_output", "non_preferred_output")),
}


class FineTuning:
    """The service's state and controls."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, list[dict[str, Any]]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, str]] = []
        """Method, path and Authorization of each request."""
        self.tuned = ""
        """The tuned model's name, where a test says it."""
        self.statuses: list[str] = ["validating_files", "queued", "running", "succeeded"]
        """What a job is, one look after the other; the last stays."""
        self.away = 0
        """So many requests are answered with 503."""
        self.lost = 0
        """Of so many new jobs the answer is lost."""
        self.holding = False
        """Jobs stay as they are."""

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Status and document."""
        path = target.partition("?")[0]
        self.requests.append((method, path, headers.get("Authorization") or ""))
        if self.away:
            self.away -= 1
            return 503, _error("The server is overloaded.")
        if (method, path) == ("POST", "/v1/files"):
            return self._file(headers, body)
        if path == "/v1/fine_tuning/jobs":
            return self._create(json.loads(body)) if method == "POST" else (200, _list(list(self.jobs.values())[::-1]))
        found = _JOB.fullmatch(path)
        if found is None or found["id"] not in self.jobs:
            return 404, _error("There is no such job.")
        return self._job(self.jobs[found["id"]], method, found["rest"] or "")

    def _file(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
        parts = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        fields = {part.get_param("name", header="content-disposition"): part for part in parts.iter_parts()}
        if "purpose" not in fields or str(fields["purpose"].get_payload()).strip() != "fine-tune":
            return 400, _error("The purpose must be fine-tune.")
        content = fields["file"].get_payload(decode=True)
        try:
            lines = [json.loads(line) for line in bytes(content).splitlines()]
        except ValueError:
            return 400, _error("The file is not JSON Lines.")
        name = f"file-{len(self.files) + 1}"
        self.files[name] = lines
        return 200, {"id": name, "object": "file", "bytes": len(body), "created_at": 1, "filename": "x.jsonl"} | {
            "purpose": "fine-tune",
            "status": "processed",
        }

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        method = (asked.get("method") or {"type": "supervised"})["type"]
        for what in ("training_file", "validation_file"):
            if what not in asked and what != "training_file":
                continue
            if asked.get(what) not in self.files:
                return 400, _error(f"The {what} does not exist.")
            if any(_WANTED[method] - line.keys() for line in self.files[asked[what]]):
                return 400, _error(f"The {what} is not of the form that {method} wants.")
        count = len(self.files[asked["training_file"]])
        if count < LEAST_LINES:
            return 400, _error(f"The training file has {count} examples, but must have at least {LEAST_LINES}.")
        job_id = f"ftjob-{len(self.jobs) + 1}"
        plain = {"object": "fine_tuning.job", "created_at": 1, "fine_tuned_model": None, "error": None, "looks": 0}
        self.jobs[job_id] = {**plain, **asked, "id": job_id, "status": "validating_files"}
        if self.lost:
            self.lost -= 1
            return 500, _error("The answer was lost.")
        return 200, self.jobs[job_id]

    def _job(self, job: dict[str, Any], method: str, rest: str) -> tuple[int, Any]:
        if rest == "/events":
            metrics = {"step": 1, "train_loss": 0.25}
            plain = {"object": "fine_tuning.job.event", "created_at": 1, "level": "info"}
            loss = {"type": "metrics", "message": "Step 1: training loss=0.25", "data": metrics}
            made = {"type": "message", "message": "Created fine-tuning job", "data": None}
            return 200, _list([{"id": "ev-2", **plain, **loss}, {"id": "ev-1", **plain, **made}])
        if rest == "/cancel" and method == "POST":
            job["status"] = "cancelled"
        elif not self.holding and job["status"] not in ("cancelled", "failed", "succeeded"):
            job["status"] = self.statuses[min(job["looks"], len(self.statuses) - 1)]
            job["looks"] += 1
        if job["status"] == "succeeded":
            job |= {"fine_tuned_model": self.tuned or f"ft:{job['model']}:{job['id']}", "trained_tokens": 120}
        if job["status"] == "failed":
            job["error"] = {"code": "invalid_training_file", "message": "The file did not validate.", "param": None}
        return 200, job


@contextlib.contextmanager
def running_fine_tuning() -> Generator[FineTuning]:
    """Run the service in a thread."""
    service = FineTuning()

    class Handler(BaseHTTPRequestHandler):
        """One connection."""

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
            """Say nothing."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, document = service.answer(self.command, self.path, dict(self.headers.items()), body)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


def _list(data: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": data, "has_more": False}
