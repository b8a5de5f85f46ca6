"""Feedback in the formats of others: OpenTelemetry's evaluation results, and annotations in Phoenix's shape.

In: bodies as their clients send them. Out: answers as those clients expect them. The one rule: what is not taken is
counted and said in the format's own words, and never fails what is beside it.
"""

import asyncio
import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

from backtalk.errors import BacktalkError, RequestError
from backtalk.feedback.admission import LABELLERS
from backtalk.feedback.annotations import Unit, annotations
from backtalk.feedback.evaluations import Evaluation, as_feedback
from backtalk.feedback.otlp_logs import evaluations
from backtalk.feedback.strict_json import MAX_VALUES, read_object
from backtalk.web.feedback_authority import Authority
from backtalk.web.feedback_request import JSON, Answer, FeedbackRequest, Reply, unzipped
from backtalk.web.feedback_taking import By, Taking

OTLP: Final = "/v1/feedback/otlp/v1/logs"
"""An OTLP exporter's endpoint is this without `/v1/logs`, which it adds itself."""
PHOENIX: Final[Mapping[str, Unit]] = {
    "/v1/feedback/phoenix/v1/span_annotations": "span",
    "/v1/feedback/phoenix/v1/trace_annotations": "trace",
}
"""A Phoenix client's base URL is this without `/v1/..._annotations`."""
CODINGS: Final = (b"identity", b"gzip")
_PROTOBUF: Final = b"application/x-protobuf"
_SHOWN: Final = 3
_RETRIED: Final = frozenset((429, 503))


class _Protobuf(Protocol):
    """The part of `export.log_records` that is used; loaded with the first protobuf that comes."""

    def document_of(self, raw: bytes, *, most: int) -> dict[str, Any]: ...
    def taken(self, rejected: int, message: str) -> bytes: ...
    def failed(self, message: str) -> bytes: ...


class FeedbackFormats:
    """Takes what others send, `most` at once."""

    def __init__(self, taking: Taking, authority: Authority, *, most: int, limit_bytes: int) -> None:
        self._taking = taking
        self._authority = authority
        self._most = most
        self._limit_bytes = limit_bytes

    async def otlp(self, request: FeedbackRequest, raw: bytes) -> Answer:
        """`POST /v1/feedback/otlp/v1/logs`: OTLP/HTTP logs, JSON or protobuf: records of `gen_ai.evaluation.result`."""
        binary = _is_binary(request)
        protobuf = await _protobuf() if binary else None
        try:
            by = self._authority.giver(request, channel="otlp")
            body = self._opened(request, raw)
            document = read_object(body) if protobuf is None else protobuf.document_of(body, most=MAX_VALUES)
            rejected = await self._take(evaluations(document, most=self._most), by)
        except BacktalkError as error:
            status = error.status if error.status in _RETRIED or error.status < 500 else 503
            return Answer(status, _failure(error.message, protobuf), _typed(binary=binary))
        return Answer(200, _success(rejected, protobuf), _typed(binary=binary))

    async def phoenix(self, request: FeedbackRequest, raw: bytes) -> Answer:
        """`POST /v1/feedback/phoenix/v1/span_annotations`: annotations in Phoenix's shape; `trace_annotations` too."""
        by = self._authority.giver(request, channel="phoenix")
        found = annotations(read_object(self._opened(request, raw)), PHOENIX[request.path], most=self._most)
        whole = [one for one in found if isinstance(one, Evaluation)]
        if len(whole) < len(found):
            raise next(one for one in found if isinstance(one, BacktalkError))
        said = await self._said(whole, by)
        refused = next((reply for reply in said if isinstance(reply, BacktalkError)), None)
        if refused is not None and all(isinstance(reply, BacktalkError) for reply in said):
            raise refused
        told: dict[str, Any] = {"data": [{"id": one.body["feedback_id"]} for one in said if isinstance(one, Reply)]}
        if refused is not None:
            told["errors"] = [_problem(one) for one in said if isinstance(one, BacktalkError)]
        return Answer(200, json.dumps(told, separators=(",", ":")).encode(), [JSON])

    def _opened(self, request: FeedbackRequest, raw: bytes) -> bytes:
        zipped = request.known.get(b"content-encoding", b"").lower() == b"gzip"
        return unzipped(raw, self._limit_bytes) if zipped else raw

    async def _take(self, found: Sequence[Evaluation | RequestError], by: By) -> list[str]:
        """Take what can be taken; the reasons of what cannot."""
        reasons = [one.message for one in found if isinstance(one, RequestError)]
        said = await self._said([one for one in found if isinstance(one, Evaluation)], by)
        return reasons + [reply.message for reply in said if isinstance(reply, BacktalkError)]

    async def _said(self, found: Sequence[Evaluation], by: By) -> list[Reply | BacktalkError]:
        may_label = by.speaker.source in LABELLERS
        items: list[object] = []
        for one in found:
            try:
                items += as_feedback(one, may_label=may_label)
            except RequestError as error:
                items.append(error.message)
        return await self._taking.several(items, by) if items else []


def _is_binary(request: FeedbackRequest) -> bool:
    kind = request.known.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind not in (_PROTOBUF, b"application/json"):
        message = "OTLP comes as application/json or application/x-protobuf"
        raise RequestError(message, code="unsupported_media_type", status=415)
    return kind == _PROTOBUF


async def _protobuf() -> _Protobuf:
    return cast("_Protobuf", await asyncio.to_thread(importlib.import_module, "backtalk.export.log_records"))


def _success(reasons: Sequence[str], protobuf: _Protobuf | None) -> bytes:
    message = "; ".join(dict.fromkeys(reasons[:_SHOWN]))
    if protobuf is not None:
        return protobuf.taken(len(reasons), message)
    partial = {"partialSuccess": {"rejectedLogRecords": str(len(reasons)), "errorMessage": message}} if reasons else {}
    return json.dumps(partial, separators=(",", ":")).encode()


def _failure(message: str, protobuf: _Protobuf | None) -> bytes:
    return json.dumps({"message": message}).encode() if protobuf is None else protobuf.failed(message)


def _typed(*, binary: bool) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", _PROTOBUF)] if binary else [JSON]


def _problem(error: BacktalkError) -> dict[str, Any]:
    return {"message": error.message, "code": error.code, "param": error.param}
