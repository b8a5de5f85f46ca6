"""Facts as rows: pure, and the only place that knows which field goes into which column.

In: facts and the installation's secret. Out: rows by table. Messages are addressed by content: the id is a keyed hash
of tenant and canonical JSON, so a history that is sent again costs a list of ids, and nobody can guess across tenants.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from backtalk.ledger.days import day
from backtalk.ledger.feedback_rows import feedback_rows
from backtalk.ledger.schema import Row, TableName
from backtalk.model.chat import Message, Usage
from backtalk.model.erased import Erased
from backtalk.model.evidence import without_texts
from backtalk.model.facts import CallClosed, CallOpened, CallRelated, Fact, FeedbackGiven, SessionLinked, SignalFound
from backtalk.model.ids import keyed_hash

_ERROR_CHARS: Final = 2_000
_encode: Final = msgspec.json.Encoder(order="sorted").encode


class Rows:
    """Turns facts into rows; `content=False` leaves the messages' text out and keeps ids and sizes."""

    def __init__(self, secret: bytes, *, content: bool = True) -> None:
        self._secret = secret
        self._content = content

    def of(self, fact: Fact) -> list[tuple[TableName, Row]]:
        """The rows of one fact; none for a call that has only opened, since its row is made when it closes."""
        if isinstance(fact, CallOpened):
            return []
        if isinstance(fact, CallClosed):
            return self._call(fact)
        if isinstance(fact, FeedbackGiven):
            return [("feedback", row) for row in feedback_rows(fact, content=self._content)]
        if isinstance(fact, SignalFound) and not self._content:
            fact = msgspec.structs.replace(fact, evidence=without_texts(fact.evidence))
        make: Callable[[Any], tuple[TableName, Row]] = _MAKERS[type(fact)]
        return [make(fact)]

    def message_id(self, tenant: str, message: Message) -> str:
        """The content address of a message."""
        return keyed_hash(self._secret, b"message", tenant.encode(), canonical(message))

    def _call(self, fact: CallClosed) -> list[tuple[TableName, Row]]:
        request, tenant = fact.opened.request, fact.opened.tenant
        asked = [(self.message_id(tenant, message), message) for message in request.messages]
        answered = [(self.message_id(tenant, message), message) for message in fact.response.choices]
        rows: list[tuple[TableName, Row]] = []
        tools_id = None
        if request.tools_json is not None:
            tools = Message(role="tools", text=request.tools_json)
            tools_id = self.message_id(tenant, tools)
            rows.append(("messages", self._message(fact, tools_id, tools)))
        for name, message in (*asked, *answered):
            rows.append(("messages", self._message(fact, name, message)))
        ids = {
            "message_ids": [name for name, _ in asked],
            "answer_ids": [name for name, _ in answered],
            "tools_id": tools_id,
        }
        rows.append(("calls", _call_columns(fact) | ids | (_content_columns(fact) if self._content else {})))
        return rows

    def _message(self, fact: CallClosed, name: str, message: Message) -> Row:
        return {
            "dt": day(fact.opened.opened_ns),
            "message_id": name,
            "tenant": fact.opened.tenant,
            "role": message.role,
            "json": canonical(message).decode() if self._content else None,
            "char_count": len(message.text),
            "first_seen_ns": fact.opened.opened_ns,
        }


def canonical(message: Message) -> bytes:
    """A message's JSON with sorted keys, defaults left out: equal messages give equal bytes."""
    return _encode(message)


def _call_columns(fact: CallClosed) -> dict[str, Any]:
    opened, request, response = fact.opened, fact.opened.request, fact.response
    usage = response.usage or Usage()
    counts = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
    same = ("server_span_id", "parent_span_id", "tenant", "client_hash", "opened_ns", "method", "path", "api", "late")
    mine = (
        "closed_ns", "duration_ns", "first_byte_ns", "overhead_ns", "status", "outcome", "error", "session_id",
        "chunks", "request_bytes", "response_bytes", "request_capture", "response_capture", "upstream",
        "upstream_request_id", "cost_usd", "key_id", "audit_prob", "audited", "erased_ns",
    )  # fmt: skip
    return {
        "dt": day(opened.opened_ns),
        "trace_id": opened.trace_id,
        "span_id": opened.span_id,
        "retry_count": opened.retry_count,
        **{name: getattr(opened, name) for name in same},
        **{name: getattr(fact, name) for name in mine},
        "declared_session": request.declared_session,
        "prompt_name": request.prompt_name,
        "prompt_version": request.prompt_version,
        "purpose": request.purpose,
        "user": request.user,
        "stream": request.stream,
        "model": request.model,
        "model_served": response.model,
        "response_id": response.id,
        "previous_response_id": request.previous_response,
        "conversation_id": request.conversation,
        "choice_count": request.choice_count,
        "retrieved_response_id": response.retrieved,
        "error_type": response.error_type,
        "finish_reasons": list(response.finish_reasons),
        "not_understood": request.not_understood or response.not_understood,
        "tokens_estimated": usage.estimated,
        **{name: getattr(usage, name) for name in counts},
        **_attempts(fact),
        "cache": fact.cache or None,
        **_ask(fact),
    }


def _ask(fact: CallClosed) -> dict[str, Any]:
    drawn = fact.ask
    return {} if drawn is None else {"ask_arm": drawn.arm, "ask_prob": drawn.probability, "ask_policy": drawn.policy}


def _attempts(fact: CallClosed) -> dict[str, Any]:
    if not fact.attempts:
        return {}
    tried = [msgspec.structs.asdict(attempt) for attempt in fact.attempts]
    return {
        "route": fact.route,
        "target": fact.attempts[-1].target,
        "attempt_count": len(tried),
        "attempts_json": json.dumps(tried, ensure_ascii=False),
    }


def _content_columns(fact: CallClosed) -> dict[str, Any]:
    logprobs = fact.response.logprobs
    return {
        "params_json": fact.opened.request.params_json,
        "error_message": (fact.response.error_message or "")[:_ERROR_CHARS] or None,
        "logprobs_json": msgspec.json.encode(logprobs).decode() if logprobs else None,
    }


def signal_row(fact: SignalFound) -> Row:
    """The row of a signal."""
    columns = ("signal_id", "kind", "probability", "found_ns", "tenant", "session_id", "detector", "detector_version")
    return {
        "fact": "withdrawal" if fact.withdrawn else "signal",
        "dt": day(fact.found_ns),
        "trace_id": fact.about.trace_id,
        "span_id": fact.about.span_id,
        "shown_by_trace_id": fact.shown_by.trace_id,
        "shown_by_span_id": fact.shown_by.span_id,
        **{name: getattr(fact, name) for name in columns},
        "evidence_json": _dump(fact.evidence),
        "polarity": fact.polarity,
        "provenance": fact.provenance,
        "replay": fact.replay or None,
    }


def _relation(fact: CallRelated) -> tuple[TableName, Row]:
    return "signals", {
        "fact": "relation",
        "dt": day(fact.found_ns),
        "kind": fact.kind,
        "trace_id": fact.about.trace_id,
        "span_id": fact.about.span_id,
        "shown_by_trace_id": fact.shown_by.trace_id,
        "shown_by_span_id": fact.shown_by.span_id,
        "found_ns": fact.found_ns,
        "tenant": fact.tenant,
        "evidence_json": _dump(fact.evidence),
    }


def _link(fact: SessionLinked) -> tuple[TableName, Row]:
    evidence = dict(fact.evidence) | {
        "parent": fact.parent.request_id if fact.parent else None,
        "sibling": fact.sibling.request_id if fact.sibling else None,
    }
    return "signals", {
        "fact": "link",
        "dt": day(fact.linked_ns),
        "kind": fact.rule,
        "trace_id": fact.trace_id,
        "span_id": fact.span_id,
        "probability": fact.confidence,
        "found_ns": fact.linked_ns,
        "session_id": fact.session_id,
        "evidence_json": _dump(evidence),
    }


def _dump(evidence: Mapping[str, object]) -> str:
    return json.dumps(evidence, sort_keys=True, ensure_ascii=False)


_MAKERS: Final[Mapping[type, Callable[[Any], tuple[TableName, Row]]]] = {
    SignalFound: lambda fact: ("signals", signal_row(fact)),
    CallRelated: _relation,
    SessionLinked: _link,
    Erased: lambda fact: ("erasures", {"dt": day(fact.erased_ns), **msgspec.structs.asdict(fact)}),
}
