"""The reviewers' doors of the admin listener: the queue, a label, and how far reviewers agree.

In: HTTP with the admin's token; a reviewer's name. Out: items without anything that was said of them, and 202 once a
label is durable in a spool. The one rule: only answers that were drawn are labelled here, so that the labels are a
random sample with known chances.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backtalk import clock
from backtalk.errors import RequestError
from backtalk.feedback.admission import Speaker, admit, pseudonym
from backtalk.feedback.body import parse_object
from backtalk.feedback.strict_json import read_object
from backtalk.ledger.schema import Row
from backtalk.model import feedback, frames
from backtalk.model.feedback import FeedbackBody
from backtalk.model.ids import CallKey, keyed_hash, new_span_id, new_trace_id, parse_request_id, parse_traceparent
from backtalk.model.notes import NOTES, CallNotes
from backtalk.quality.agreement import agreement
from backtalk.settings import FeedbackSettings
from backtalk.web.parameters import whole
from backtalk.web.reading import Reading
from backtalk.web.review_queue import item, labels_of, waiting
from backtalk.web.traces import Traces

MOST_DRAWN: Final = 2_000
"""The queue looks at so many of the latest drawn calls."""
_MOST_SHOWN: Final = 50
_FIELDS: Final = ("value", "rubric", "comment", "reviewer")


Handler = Callable[[Request], Awaitable[Response]]
"""Answers one request of the admin listener."""


class Intake(Protocol):
    """What takes labels (`spool.LateSpool`)."""

    async def put(self, payload: bytes) -> None:
        """Return once the frame is durable."""
        ...


class Reviews:
    """The handlers. Reads are asked of the thread that traces are read in."""

    def __init__(self, reading: Reading[Traces], intake: Intake, secret: bytes, settings: FeedbackSettings) -> None:
        self._reading = reading
        self._intake = intake
        self._secret = secret
        self._settings = settings

    async def queue(self, request: Request) -> Response:
        """`GET /v1/review`: the next answers for a reviewer, without what was said of them."""
        asked = request.query_params
        reviewer = _reviewer(asked.get("reviewer"))
        limit = min(whole(asked.get("limit"), "limit") or 1, _MOST_SHOWN)

        def look(traces: Traces) -> dict[str, Any]:
            calls, said = traces.drawn(MOST_DRAWN)
            left = waiting(
                calls,
                labels_of(said),
                rater=lambda tenant: pseudonym(self._secret, tenant, reviewer),
                reviewers=self._settings.audit.reviewers,
                place=self._place,
            )
            messages = traces.messages(left[:limit])
            return {"waiting": len(left), "items": [item(call, messages) for call in left[:limit]]}

        return JSONResponse(await self._reading.ask(look))

    async def label(self, request: Request) -> Response:
        """`POST /v1/review/{item}`: a reviewer's label of one answer; 202 once it is durable."""
        key = parse_request_id(str(request.path_params["item"]))
        if key is None:
            raise RequestError("an item is named {trace_id}-{span_id}, as in the queue", code="bad_item", param="item")
        fields = read_object(await _body(request, self._settings.body_limit_bytes))
        if unknown := sorted(set(fields) - set(_FIELDS)):
            message = f"unknown field {unknown[0][:40]}; a label has {', '.join(_FIELDS)}"
            raise RequestError(message, code="unknown_field", param=unknown[0][:256])
        reviewer = _reviewer(fields.pop("reviewer", None))
        call, before = await self._reading.ask(lambda traces: _drawn(traces, key))
        given = {**fields, "kind": "label", "rater": reviewer, "trace_id": key.trace_id, "span_id": key.span_id}
        speaker = Speaker(call["tenant"], "reviewer")
        body = admit(parse_object(given).body, speaker, secret=self._secret, declared={})
        feedback_id = await self._put(body, call["tenant"], before, _ids(request))
        told = {"feedback_id": feedback_id, "status": "accepted", "item": key.request_id}
        return JSONResponse(told | {"audit_prob": call["audit_prob"]}, status_code=202)

    async def agreed(self, request: Request) -> Response:
        """`GET /v1/review/agreement`: how far reviewers agree on answers that several labelled, by rubric."""
        del request

        def look(traces: Traces) -> list[Row]:
            return traces.drawn(MOST_DRAWN)[1]

        rows = await self._reading.ask(look)
        rubrics = sorted({row.get("rubric") or "" for row in rows if row["kind"] == "label"})
        return JSONResponse({"rubrics": {rubric: _agreement(rows, rubric) for rubric in rubrics}})

    def _place(self, key: CallKey) -> int:
        return int(keyed_hash(self._secret, b"review", key.trace_id.encode(), key.span_id.encode(), size_bytes=8), 16)

    async def _put(self, body: FeedbackBody, tenant: str, before: list[Row], ids: CallKey) -> str:
        """Keep a label; the same word again is one, another word of the same reviewer supersedes the one before."""
        mine = [row for row in before if row.get("rater") == body.rater and row.get("rubric") == body.rubric]
        last = mine[-1] if mine else None
        if last is not None and (last["value_json"], last["comment"]) == (feedback.value_json(body), body.comment):
            return str(last["feedback_id"])
        if last is not None:
            body = msgspec.structs.replace(body, supersedes=last["feedback_id"])
        words = feedback.canonical(body)
        feedback_id = keyed_hash(self._secret, b"label", tenant.encode(), words)
        now = clock.now()
        frame = frames.Feedback(now.wall_ns, now.boot_ns, feedback_id, tenant, *ids, words, source="reviewer")
        await self._intake.put(frames.encode(frame))
        return feedback_id


MakeReviews = Callable[[Reading[Traces]], Reviews]
"""Makes the handlers around the thread in which traces are read."""


def review_routes(reviews: Reviews, guarded: Callable[[Handler], Handler]) -> list[Route]:
    """The reviewers' routes, each behind the admin's token."""
    return [
        Route("/v1/review", guarded(reviews.queue)),
        Route("/v1/review/agreement", guarded(reviews.agreed)),
        Route("/v1/review/{item}", guarded(reviews.label), methods=["POST"]),
    ]


def _drawn(traces: Traces, key: CallKey) -> tuple[Row, list[Row]]:
    """A drawn call and its labels, oldest first; raises `RequestError` where it is none."""
    calls, said = traces.drawn_of(key)
    if not calls:
        message = f"the answer {key.request_id} is not in the queue: it is not known, or was not drawn for review"
        raise RequestError(message, code="unknown_item", status=404, param="item")
    return calls[0], sorted((row for row in said if row["kind"] == "label"), key=lambda row: row["given_ns"])


def _agreement(rows: list[Row], rubric: str) -> dict[str, Any]:
    labels = labels_of([row for row in rows if (row.get("rubric") or "") == rubric])
    values = {
        key.request_id: {rater: json.loads(row["value_json"] or "null") for rater, row in said.items()}
        for key, said in labels.items()
    }
    found = agreement(values)
    alpha = None if found.alpha is None else found.alpha._asdict()
    return {"labelled": len(labels), "agreed": found.agreed._asdict(), "alpha": alpha}


def _reviewer(name: object) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > 256 or not name.isprintable():
        message = "reviewer must be the name of who labels, 1 to 256 printable characters; only a pseudonym is kept"
        raise RequestError(message, code="bad_reviewer", param="reviewer")
    return name.strip()


def _ids(request: Request) -> CallKey:
    """The ids that the observer gave this request."""
    notes = request.scope.get(NOTES)
    context = parse_traceparent(notes.traceparent) if isinstance(notes, CallNotes) else None
    return CallKey(context.trace_id, context.span_id) if context else CallKey(new_trace_id(), new_span_id())


async def _body(request: Request, limit: int) -> bytes:
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > limit:
            raise RequestError(f"a label has at most {limit} bytes", code="body_too_large", status=413)
    return bytes(raw)
