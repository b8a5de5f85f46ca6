"""Why telemetry was not taken, and what that means for what comes next.

In: an HTTP status, a gRPC status name, or a connection error. Out: a `NotTakenError` that says whether the receiver is
away, cannot take this kind of telemetry at all, or cannot take just this batch.
"""

from typing import Final, Literal

Meaning = Literal["later", "never", "not_this"]
"""`later`: try again. `never`: the receiver has no such route. `not_this`: something in the batch is refused."""

_BY_STATUS: Final[dict[str, Meaning]] = {
    "404": "never",
    "405": "never",
    "415": "never",
    "501": "never",
    "UNIMPLEMENTED": "never",
    "400": "not_this",
    "413": "not_this",
    "422": "not_this",
    "INVALID_ARGUMENT": "not_this",
    "OUT_OF_RANGE": "not_this",
}
_TOO_LARGE: Final = ("larger than max", "exceeds maximum size")
"""How gRPC's implementations (C and Go, Java) say that a message was too large, under the status of a full server."""


class NotTakenError(Exception):
    """The receiver did not take a batch; `status` is its status or the name of what went wrong on the way."""

    def __init__(self, wire: str, status: str, detail: str = "") -> None:
        super().__init__(f"{wire} not taken: {status}{' ' if detail else ''}{detail}")
        self.status = status
        self.meaning = _meaning(status, detail)


def _meaning(status: str, detail: str) -> Meaning:
    if status == "RESOURCE_EXHAUSTED" and any(words in detail for words in _TOO_LARGE):
        return "not_this"
    return _BY_STATUS.get(status, "later")
