"""The store suite: what Redis and memory both do, claim by claim."""

from collections.abc import Iterator

import pytest

from backtalk.model.meter import NoMeter
from backtalk.session.memory_store import MemorySessionStore
from backtalk.session.redis_store import RedisSessionStore
from backtalk.session.slots import CHILDREN_CAP, REQUEST_CAP
from backtalk.session.store import Link, SessionStore
from backtalk.testing import factories
from backtalk.testing.sessions import SECRET, arrival, completion

ANSWER = "The moon pulls at the water of the sea."


@pytest.fixture(params=["memory", "redis", "cluster"])
def store(request: pytest.FixtureRequest) -> Iterator[SessionStore]:
    """Each store in turn, empty."""
    if request.param == "memory":
        yield MemorySessionStore()
        return
    url = request.getfixturevalue(f"{request.param}_url")
    kept = RedisSessionStore(url, secret=SECRET, metrics=NoMeter(), timeout_ms=5_000)
    yield kept
    kept.close()


def test_nothing_is_known_of_a_first_call(store: SessionStore) -> None:
    """An empty store is available and has no evidence."""
    evidence = store.arrive(arrival(factories.opened("Hello there")))

    assert evidence.available
    assert evidence.repeats == evidence.recent == evidence.producers == ()


def test_an_answer_is_found_by_the_history_that_ends_in_it(store: SessionStore) -> None:
    """Frontier and answer keys both name the call that gave it, with its end."""
    first = factories.opened("Why tides?")
    store.arrive(arrival(first))
    store.complete(completion(factories.closed(first, ANSWER)))
    evidence = store.arrive(arrival(factories.opened("Why tides?", factories.assistant(ANSWER), "Thanks", at_s=9)))

    for found in (evidence.producers, evidence.lookalikes):
        assert [seen.key for seen in found] == [first.key]
        assert found[0].ended is not None
        assert found[0].ended.answer_text == ANSWER
        assert found[0].known.user_text == "Why tides?"


def test_each_choice_can_be_continued(store: SessionStore) -> None:
    """With n > 1 the app picks one; any may come back."""
    first = factories.opened("Why tides?")
    store.arrive(arrival(first))
    choices = (factories.assistant("The moon pulls at it."), factories.assistant("The sun pulls a little."))
    store.complete(completion(factories.closed(first, choices=choices)))

    for number, choice in enumerate(choices):
        evidence = store.arrive(arrival(factories.opened("Why tides?", choice, "Go on", at_s=9 + number)))
        assert [seen.key for seen in evidence.producers] == [first.key]


def test_the_same_request_is_found(store: SessionStore) -> None:
    """While it runs it has no end."""
    first = factories.opened("Why tides?")
    store.arrive(arrival(first))
    (seen,) = store.arrive(arrival(factories.opened("Why tides?", at_s=1))).repeats

    assert seen.key == first.key
    assert seen.ended is None


def test_arriving_twice_is_arriving_once(store: SessionStore) -> None:
    """A call that is decided again after a kill is not its own evidence and takes no second place."""
    call = arrival(factories.opened("Why tides?"))
    assert store.arrive(call) == store.arrive(call)
    (seen,) = store.arrive(arrival(factories.opened("Why tides?", at_s=1))).repeats

    assert seen.key == call.call


def test_arriving_together_is_arriving_one_after_the_other(store: SessionStore) -> None:
    """Each sees those before it, none sees those behind it."""
    calls = [factories.opened("Why tides?", at_s=second) for second in range(3)]
    seen = store.arrive_all([arrival(call) for call in calls])

    assert [[other.key for other in evidence.repeats] for evidence in seen] == [
        [call.key for call in calls[:place]] for place in range(3)
    ]


def test_completing_twice_is_completing_once(store: SessionStore) -> None:
    """A completion that comes again changes nothing."""
    first = factories.opened("Why tides?")
    store.arrive(arrival(first))
    end = completion(factories.closed(first, ANSWER))
    store.complete(end)
    store.complete(end)
    evidence = store.arrive(arrival(factories.opened("Why tides?", factories.assistant(ANSWER), "Thanks", at_s=9)))

    assert len(evidence.producers) == 1


def test_a_link_is_seen_by_the_next_arrival(store: SessionStore) -> None:
    """It names the session, and marks the parent as continued."""
    first = factories.opened("Why tides?")
    store.arrive(arrival(first))
    store.link(arrival(first), Link("session-1"))
    store.complete(completion(factories.closed(first, ANSWER)))
    second = factories.opened("Why tides?", factories.assistant(ANSWER), "Thanks", at_s=9)
    store.arrive(arrival(second))
    store.link(arrival(second), Link("session-1", first.key))
    evidence = store.arrive(arrival(factories.opened("Why tides?", factories.assistant(ANSWER), "No", at_s=19)))

    assert [seen.link for seen in evidence.siblings] == [Link("session-1", first.key)]
    assert evidence.producers[0].continued_ns == second.opened_ns


def test_lists_are_capped(store: SessionStore) -> None:
    """A request that comes without end keeps the newest few."""
    calls = [factories.opened("ping", at_s=second) for second in range(REQUEST_CAP + 5)]
    for call in calls:
        store.arrive(arrival(call))
    evidence = store.arrive(arrival(factories.opened("ping", at_s=99)))

    assert [seen.key for seen in evidence.repeats] == [call.key for call in calls[-REQUEST_CAP:]]
    assert REQUEST_CAP < CHILDREN_CAP


def test_tenants_and_end_users_share_nothing(store: SessionStore) -> None:
    """The same words in another scope are not found."""
    store.arrive(arrival(factories.opened("Why tides?", tenant="a")))
    for other in (
        factories.opened("Why tides?", tenant="b", at_s=1),
        factories.opened("Why tides?", tenant="a", end_user="u", at_s=1),
        factories.opened("Why tides?", tenant="a", session="s", at_s=1),
    ):
        assert store.arrive(arrival(other)).repeats == ()


def test_texts_are_capped(store: SessionStore) -> None:
    """A book in the prompt does not become a book in the store."""
    long = "word " * 10_000
    first = factories.opened(long)
    store.arrive(arrival(first))
    store.complete(completion(factories.closed(first, long)))
    (seen,) = store.arrive(arrival(factories.opened(long, at_s=9))).repeats

    assert len(seen.known.user_text) <= 600
    assert seen.ended is not None
    assert len(seen.ended.answer_text) <= 600


def test_a_failed_call_cannot_be_continued(store: SessionStore) -> None:
    """Nobody was shown an answer."""
    first = factories.opened("Why tides?")
    store.arrive(arrival(first))
    store.complete(completion(factories.closed(first, ANSWER, status=500)))
    evidence = store.arrive(arrival(factories.opened("Why tides?", factories.assistant(ANSWER), "Thanks", at_s=9)))

    assert evidence.producers == ()
