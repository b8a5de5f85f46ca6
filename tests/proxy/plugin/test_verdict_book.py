"""What a new fact changes in a backend: which verdicts stand, and which stand no longer."""

from typing import Any

from backtalk.clock import NS_PER_S
from backtalk.model.chat import Request
from backtalk.model.facts import Fact, FeedbackGiven
from backtalk.model.feedback import CallNamed
from backtalk.model.ids import new_span_id, new_trace_id
from backtalk.plugin.verdict_book import EARLY_LIMIT, VerdictBook
from backtalk.testing.facts import closed_call, feedback, opened_call, signal


class Book:
    """A book and what it lost; steps in short."""

    def __init__(self, **options: Any) -> None:
        self.lost: list[str] = []
        self._book = VerdictBook(self.lost.append, wait_s=60.0, **options)

    def take(self, *facts: Fact) -> list[str]:
        """`put id` and `remove id`, in order."""
        steps = [step for fact in facts for step in self._book.steps(fact, content=False)]
        return [f"{step.action} {step.verdict.id}" for step in steps]


def about(trace_id: str, name: str, **changes: Any) -> FeedbackGiven:
    """A thumb by a known rater on the first call of a trace."""
    given: dict[str, Any] = {"feedback_id": name, "target_trace_id": trace_id, "rater": "r", "value_json": "true"}
    return feedback(**(given | {"kind": "rating"} | changes))


def test_signals_stand_and_those_of_a_replay_do_not() -> None:
    """What a replay finds of the past is the ledger's."""
    call = closed_call()
    assert Book().take(signal(call.key, signal_id="s")) == ["put s"]
    assert Book().take(signal(call.key, signal_id="s", replay=1)) == []


def test_a_repeat_changes_the_same() -> None:
    """At least once: the same fact gives the same step."""
    call, book = closed_call(), Book()
    thumb = about(call.opened.trace_id, "a")
    assert book.take(call, thumb, thumb) == ["put a", "put a"]


def test_the_same_voice_has_one_say() -> None:
    """A second thumb of a rater replaces the first; another rater's stands beside it, and comments all stand."""
    call, book = closed_call(), Book()
    trace_id = call.opened.trace_id
    assert book.take(call, about(trace_id, "a", given_ns=1)) == ["put a"]
    assert book.take(about(trace_id, "b", given_ns=2)) == ["remove a", "put b"]
    assert book.take(about(trace_id, "c", rater="other")) == ["put c"]
    comments = [about(trace_id, name, kind="comment", value_json='"x"') for name in ("d", "e")]
    assert book.take(*comments) == ["put d", "put e"]


def test_an_outcome_that_became_true_earlier_does_not_replace_a_later_one() -> None:
    """Outcomes are ordered by the time at which they became true."""
    call, book = closed_call(), Book()
    later = about(call.opened.trace_id, "later", kind="outcome", at_ns=20)
    assert book.take(call, later, about(call.opened.trace_id, "earlier", kind="outcome", at_ns=10)) == ["put later"]


def test_what_is_superseded_or_retracted_goes() -> None:
    """Within a tenant; another tenant's word takes nothing back."""
    call, book = closed_call(), Book()
    trace_id = call.opened.trace_id
    book.take(call, about(trace_id, "a"))
    retraction = feedback(feedback_id="r", kind="retraction", supersedes="a", value_json="null")
    assert book.take(about(trace_id, "b", rater="x", supersedes="a")) == ["remove a", "put b"]
    assert book.take(retraction) == ["remove a"]
    stranger = feedback(feedback_id="r", kind="retraction", supersedes="a", value_json="null", tenant="t2")
    assert book.take(stranger) == []
    assert book.lost == ["earlier_unknown"]


def test_a_page_takes_back_only_what_an_end_user_said_of_its_trace() -> None:
    """A browser's token reaches no reviewer's word."""
    call, book = closed_call(), Book()
    trace_id = call.opened.trace_id
    book.take(call, about(trace_id, "a", source="reviewer"), about(trace_id, "b"))
    for name, expected in (("a", []), ("b", ["remove b"])):
        by_page = about(trace_id, "r", kind="retraction", supersedes=name, channel="token")
        assert book.take(by_page) == expected


def test_feedback_before_its_call_waits_for_it() -> None:
    """By response id nothing can be said until the call has closed."""
    call, book = closed_call(), Book()
    early = feedback(feedback_id="a", target_response_id=call.response.id, target_trace_id=None)
    assert book.take(early) == []
    assert book.take(closed_call(), call) == ["put a"]
    assert book.lost == []


def test_early_feedback_is_taken_back_before_it_stood() -> None:
    """Then nothing is to be removed."""
    call, book = closed_call(), Book()
    early = feedback(feedback_id="a", target_response_id=call.response.id, target_trace_id=None)
    retraction = feedback(feedback_id="r", kind="retraction", supersedes="a", value_json="null")
    assert book.take(early, retraction, call) == []
    assert book.lost == []


def test_what_waits_too_long_or_too_many_is_lost_and_counted() -> None:
    """Memory is bounded, and so is patience."""
    book = Book()
    late = closed_call()
    early = feedback(target_response_id="never", target_trace_id=None, given_ns=late.closed_ns - 61 * NS_PER_S)
    assert book.take(early, late) == []
    assert book.lost == ["no_call"]
    for number in range(EARLY_LIMIT + 2):
        book.take(feedback(feedback_id=f"f{number}", target_response_id="never", target_trace_id=None))
    assert book.lost == ["no_call"] * 3


def test_a_whole_key_a_bare_trace_and_a_session_need_no_call() -> None:
    """The backend knows them by itself."""
    book = Book()
    whole = feedback(feedback_id="a", target_trace_id=new_trace_id(), target_span_id=new_span_id())
    bare = feedback(feedback_id="b", target_trace_id=new_trace_id())
    session = feedback(feedback_id="c", target_trace_id=None, target_session_id="chat-7")
    assert book.take(whole, bare, session) == ["put a", "put b", "put c"]


def test_another_tenants_call_is_not_meant() -> None:
    """Not even by its whole key."""
    call, book = closed_call(), Book()
    key = {"target_trace_id": call.opened.trace_id, "target_span_id": call.opened.span_id}
    assert book.take(call, feedback(tenant="t2", **key)) == []


def test_a_feedback_about_several_calls_stands_at_each() -> None:
    """Those that are known."""
    first = opened_call()
    calls = [closed_call(opened=first), closed_call(opened=opened_call())]
    named = (*(CallNamed(call.opened.trace_id, call.opened.span_id) for call in calls), CallNamed(response_id="never"))
    book = Book()
    several = feedback(feedback_id="a", kind="label", value_json='"x"', target_trace_id=None, calls=named)
    assert book.take(*calls, several) == ["put a-0", "put a-1"]


def test_memory_is_bounded() -> None:
    """What fell out can no longer be taken back, and that is counted."""
    call, book = closed_call(), Book(limit=1)
    comments = [about(call.opened.trace_id, name, kind="comment", value_json='"x"') for name in ("a", "b")]
    book.take(call, *comments)
    assert book.take(feedback(kind="retraction", supersedes="a", value_json="null")) == []
    assert book.lost == ["earlier_unknown"]


def test_a_verdict_says_model_and_prompt_of_its_call() -> None:
    """So that a backend can count by them without a join."""
    request = Request(model="m", prompt_name="greet", prompt_version="7")
    call = closed_call(opened=opened_call(request=request))
    book = VerdictBook(lambda _: None, wait_s=60.0)
    facts = (call, signal(call.key), feedback(target_trace_id=call.opened.trace_id))
    for step in [step for fact in facts for step in book.steps(fact, content=False)]:
        told = {name: value for name, value in step.verdict.details if name.startswith("backtalk.target.")}
        assert told == {
            "backtalk.target.model": "m",
            "backtalk.target.prompt.name": "greet",
            "backtalk.target.prompt.version": "7",
        }
