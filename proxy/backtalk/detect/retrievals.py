"""A later look at a stored response: nothing new was answered, but it may bring the answer of a background call.

In: the end of a call that retrieved a response. Out: the same end, and where it was the first to bring the answer a
`CallRelated` of kind `retrieval` about the call that had asked. The one rule: tokens count once, with the call that
asked or with the look that completed it.
"""

import msgspec

from backtalk.detect.arrivals import arrival_of
from backtalk.model.facts import CallClosed, CallRelated, Fact
from backtalk.session.candidates import answered
from backtalk.session.canonical import Hasher
from backtalk.session.store import Seen, SessionStore


def looked_at(fact: CallClosed, store: SessionStore, hasher: Hasher) -> tuple[CallClosed, list[Fact]]:
    """Say what a retrieval brought; any other call's end stays as it is."""
    if fact.response.retrieved is None:
        return fact, []
    asked = _asked(fact, fact.response.retrieved, store, hasher) if any(fact.response.finish_reasons) else None
    if asked is None:
        response = msgspec.structs.replace(fact.response, usage=None)
        return msgspec.structs.replace(fact, response=response), []
    evidence = {"response_id": fact.response.retrieved}
    related = CallRelated("retrieval", asked.key, fact.key, fact.opened.tenant, fact.closed_ns, evidence)
    return fact, [related]


def _asked(fact: CallClosed, response_id: str, store: SessionStore, hasher: Hasher) -> Seen | None:
    """The call that was given this response before it was finished; None where it had its answer, or is not known."""
    request = msgspec.structs.replace(fact.opened.request, previous_response=response_id)
    arrival = arrival_of(msgspec.structs.replace(fact.opened, request=request), hasher)
    given = [seen for seen in store.arrive(arrival).producers if answered(seen)]
    unfinished = [seen for seen in given if seen.ended is not None and not seen.ended.finish_reason]
    return unfinished[-1] if unfinished else None
