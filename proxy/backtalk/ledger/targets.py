"""Which call a feedback means: pure, the same for trace documents and datasets.

In: a feedback's row and the calls that its keys name. Out: the calls that fit: none (pending), one, or several
(ambiguous: listed with its candidates, never counted). Nothing fits across tenants. A feedback about a session is the
session's and fits no call.
"""

from collections.abc import Sequence

from backtalk.ledger.schema import Row


def targets(feedback: Row, calls: Sequence[Row]) -> list[Row]:
    """The calls, out of these, that the feedback's key fits."""
    mine = [call for call in calls if call.get("tenant") == feedback["tenant"]]
    if feedback.get("response_id"):
        return [call for call in mine if call.get("response_id") == feedback["response_id"]]
    mine = [call for call in mine if call["trace_id"] == feedback.get("trace_id")]
    if feedback.get("span_id"):
        return [call for call in mine if call["span_id"] == feedback["span_id"]]
    if feedback.get("parent_span_id"):
        return _by_parent(str(feedback["parent_span_id"]), mine)
    return mine


def _by_parent(span_id: str, calls: Sequence[Row]) -> list[Row]:
    """A `traceparent` names the call itself, or the span of the app under which calls were made."""
    exact = [call for call in calls if call["span_id"] == span_id]
    return exact or [call for call in calls if call.get("parent_span_id") == span_id]
