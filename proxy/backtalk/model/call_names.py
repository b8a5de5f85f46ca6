"""Which key of a call a text is, told by its form.

In: what a person or a column holds. Out: the field of a feedback that it goes into.
"""

from backtalk.model.ids import parse_request_id, parse_trace_id, parse_traceparent


def target_field(target: str) -> dict[str, str]:
    """Tell by its form which key of a call a text is; anything unknown is a response's own id."""
    if parse_trace_id(target):
        return {"trace_id": target}
    if parse_request_id(target):
        return {"request_id": target}
    return {"traceparent": target} if parse_traceparent(target) else {"response_id": target}
