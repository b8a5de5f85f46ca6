"""Feedback on the admin listener: of one tenant, or of all.

In: parameters. Out: documents. The one rule: the public listener asks here for one tenant, which it names itself; who
has the admin token may leave it out.
"""

import itertools
import json
from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backtalk.errors import RequestError
from backtalk.web.feedback_search import KEYS, Asked
from backtalk.web.parameters import whole
from backtalk.web.reading import Reading
from backtalk.web.traces import Traces

MOST_BYTES: Final = 8 << 20
"""Beyond this the oldest are left out: the public listener takes an answer of bounded size."""
_MOST: Final = 500
_USUAL: Final = 100


class FeedbackAdmin:
    """The handlers; they ask in the thread of `reading`."""

    def __init__(self, reading: Reading[Traces]) -> None:
        self._reading = reading

    async def find(self, request: Request) -> Response:
        """`GET /v1/feedback`: what was said, by one key, of one `tenant` or of all."""
        asked = dict(request.query_params)
        tenant, limit = asked.pop("tenant", None), whole(asked.pop("limit", None), "limit")
        if len(asked) != 1 or (column := next(iter(asked))) not in KEYS:
            message = f"ask by exactly one of {', '.join(KEYS)}; beside it there are tenant and limit"
            raise RequestError(message, code="bad_parameter", param="trace_id")
        question = Asked(column, asked[column], tenant, min(_USUAL if limit is None else limit, _MOST))
        found = await self._reading.ask(lambda traces: traces.feedback(question))
        shown = within(found, MOST_BYTES)
        left_out = {"left_out": len(found) - len(shown)} if len(shown) < len(found) else {}
        return JSONResponse({"feedback": shown, **left_out})

    async def one(self, request: Request) -> Response:
        """`GET /v1/feedback/{feedback_id}`: one feedback and what became of it."""
        feedback_id = str(request.path_params["feedback_id"])
        question = Asked("feedback_id", feedback_id, request.query_params.get("tenant"), 1)
        found = await self._reading.ask(lambda traces: traces.feedback(question))
        if not found:
            message = "no such feedback is known here; what was just acknowledged can be read a moment later"
            raise RequestError(message, code="unknown_feedback", status=404, param="feedback_id")
        return JSONResponse(found[0])


def within(documents: Sequence[dict[str, Any]], most_bytes: int) -> list[dict[str, Any]]:
    """As many of the first as fit, and always one."""
    sizes = itertools.accumulate(len(json.dumps(one, ensure_ascii=False).encode()) for one in documents)
    return [one for at, (one, size) in enumerate(zip(documents, sizes, strict=True)) if not at or size <= most_bytes]
