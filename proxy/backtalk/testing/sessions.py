"""What session stores are tested with: arrivals, completions and links made of hand-written calls."""

from backtalk.detect.arrivals import arrival_of, completion_of
from backtalk.model.facts import CallClosed, CallOpened
from backtalk.session.canonical import Hasher
from backtalk.session.store import Arrival, Completion

SECRET = b"the secret of a session test"


def arrival(call: CallOpened) -> Arrival:
    """The arrival of a call."""
    return arrival_of(call, Hasher(SECRET))


def completion(call: CallClosed) -> Completion:
    """The completion of a call."""
    return completion_of(call, arrival(call.opened), Hasher(SECRET))
