"""A session decision as facts."""

from backtalk.detect.links import SURE, judged, linked_of, marked, place_of, related_of, windows_of
from backtalk.model.facts import CallRelated
from backtalk.session.decide import Decision
from backtalk.session.store import Known, Link, Seen
from backtalk.settings import Settings
from backtalk.testing import factories

CALL = factories.opened("Why are there tides?", at_s=9)
EARLIER = factories.call_key(1)
SIBLING = Seen(Known(*EARLIER, opened_ns=1, client_hash="", stream=True, retry_count=0, user_text=""))


def test_a_link_says_where_the_call_was_put_and_when_it_arrived() -> None:
    """The parent is that of the link; a call alone has none."""
    linked = linked_of(CALL, Decision("s", "branch", 0.97, sibling=SIBLING, link=Link("s", factories.call_key(2))))

    assert (linked.key, linked.linked_ns) == (CALL.key, CALL.opened_ns)
    assert place_of(linked) == ("s", factories.call_key(2), EARLIER)
    assert place_of(linked_of(CALL, Decision("own", "new", 0.9))) == ("own", None, None)


def test_a_relation_is_said_of_the_call_beside_which_it_stands() -> None:
    """Only where the rule says one."""
    retry = Decision("s", "automatic_retry", 0.99, sibling=SIBLING, relation="automatic_retry", evidence={"a": 1})

    assert related_of(CALL, Decision("s", "branch", 0.97, sibling=SIBLING)) == []
    assert related_of(CALL, retry) == [
        CallRelated("automatic_retry", EARLIER, CALL.key, CALL.tenant, CALL.opened_ns, {"a": 1})
    ]


def test_only_a_sure_link_judged_anything() -> None:
    """Below the limit the detectors were not asked, so nothing they say now was said before."""
    for confidence, calls in ((SURE, (None, EARLIER)), (SURE - 0.1, ())):
        assert judged(linked_of(CALL, Decision("s", "branch", confidence, sibling=SIBLING))) == calls


def test_a_mark_is_one_more_word_of_the_evidence() -> None:
    """What was there stays."""
    assert marked(Decision("s", "new", 0.9, evidence={"a": 1}), "b", value=True).evidence == {"a": 1, "b": True}


def test_windows_are_those_of_the_settings() -> None:
    """In nanoseconds."""
    settings = Settings.model_validate({"session": {"answer_ttl_s": 2, "repeat_ttl_s": 3, "visit_gap_s": 0.5}})
    windows = windows_of(settings)

    assert (windows.answer_ns, windows.repeat_ns, windows.visit_ns) == (2 * 10**9, 3 * 10**9, 5 * 10**8)
