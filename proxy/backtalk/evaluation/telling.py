"""Sends scores back as feedback on the calls that were evaluated.

In: scores. Out: how many were taken. The one rule: each goes to the exact call, once however often it is sent; who
speaks is said by the key alone, so a judge's key has the source `model_judge` and a program's `system`.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, Final

from backtalk.direct_http import open_directly
from backtalk.errors import UpstreamError
from backtalk.evaluation.scores import CaseScores, Scores

_TIMEOUT_S: Final = 30.0
_LIMIT_BYTES: Final = 1 << 20


def tell(scores: Scores, key: str | None) -> int:
    """Send every score that is a number; raises `UpstreamError` at the first that is not taken."""
    url = f"{scores.base_url.rstrip('/')}/feedback"
    sent = 0
    for case in scores.cases:
        for idempotency_key, body in _said(case):
            _send(url, key, idempotency_key, body)
            sent += 1
    return sent


def _said(case: CaseScores) -> Iterator[tuple[str, dict[str, Any]]]:
    if case.trace_id is None or case.span_id is None:
        return
    for name in case.scores:
        if (value := case.score(name)) is not None:
            target = {"request_id": f"{case.trace_id}-{case.span_id}"}
            body = {"kind": "score", "metric": f"evaluation.{name}", "value": value, "range": [0, 1]}
            yield f"evaluation-{case.trace_id}-{case.span_id}-{name}", target | body


def _send(url: str, key: str | None, idempotency_key: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 -- the plan allows http and https
    try:
        with open_directly(request, _TIMEOUT_S) as answer:
            answer.read(_LIMIT_BYTES)
    except (OSError, http.client.HTTPException) as error:
        why = f"{type(error).__name__}: {error}"
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            why = str(error.code)
        message = f"feedback was not taken by {url}: {why}; send it again, what was taken counts once"
        raise UpstreamError(message, code="feedback_not_taken") from error
