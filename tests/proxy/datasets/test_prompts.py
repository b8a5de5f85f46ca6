"""Prompts with all that counts about their answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from backtalk.datasets.prompts import Chunk, read_chunk
from backtalk.datasets.queries.scope import Scope
from backtalk.datasets.recipe import Select
from backtalk.model.chat import Message, Request
from backtalk.model.facts import CallClosed, Fact
from backtalk.model.feedback import CallNamed
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts
from backtalk.testing.selections import only_chunk, selected


def read(folder: Path, *facts: Fact, **select: Any) -> Chunk:
    """What a ledger with these facts gives."""
    with selected(write_facts(folder, *facts)) as selection:
        chunk = read_chunk(only_chunk(selection), Select(**select))
        chunk.left_out.extend(selection.left_out())
        return chunk


def about(call: CallClosed, **fields: Any) -> Any:
    """Feedback about a call."""
    return stories.feedback(target_trace_id=call.key.trace_id, target_span_id=call.key.span_id, **fields)


def test_answer_has_its_evidence_in_the_order_of_time(tmp_path: Path) -> None:
    """Feedback, then signals, each with its id."""
    first = stories.closed()
    second = stories.closed(call=stories.opened(opened_ns=stories.NOON_NS + 1), answered="So.")
    thumb, signal = about(first, kind="rating", value_json="true"), stories.signal(first.key, second.key)

    chunk = read(tmp_path, first, second, thumb, signal)

    ((_, prompt),) = chunk.prompts
    assert [one.id for one in prompt.answers[0].evidence] == [thumb.feedback_id, signal.signal_id]
    assert prompt.answers[0].evidence[1].shown_by == second.key
    assert prompt.answers[1].evidence == ()
    assert chunk.known[first.key].session == "acme/5e55"


def test_correction_that_does_not_count_is_no_evidence(tmp_path: Path) -> None:
    """What was retracted, superseded or cannot be of its call teaches nothing; the successor does."""
    call = stories.closed()
    fields = {"kind": "correction", "value_json": json.dumps("x")}
    retracted, first = about(call, rater="a", **fields), about(call, rater="b", **fields)
    second = about(call, rater="b", supersedes=first.feedback_id, **fields)
    rejected = about(call, rater="c", choice=3, **fields)
    taken_back = stories.feedback(kind="retraction", value_json="null", supersedes=retracted.feedback_id)

    chunk = read(tmp_path, call, retracted, first, second, rejected, taken_back)

    assert {one.id: one.reason for one in chunk.left_out} == {
        retracted.feedback_id: "retracted",
        first.feedback_id: "superseded",
        rejected.feedback_id: "choice_out_of_range",
    }
    assert [one.id for one in chunk.prompts[0][1].answers[0].replacements] == [second.feedback_id]


def test_signal_of_a_superseded_link_is_left_out(tmp_path: Path) -> None:
    """When the showing call was put elsewhere later on, what it had shown does not hold."""
    first, second, other = stories.closed(), stories.closed(), stories.closed()
    signal = stories.signal(first.key, second.key)
    moved = stories.linked(second.opened, parent=other.key, linked_ns=signal.found_ns + 1, supersedes=True)

    chunk = read(tmp_path, first, second, other, signal, moved)

    assert [one.reason for one in chunk.left_out] == ["superseded"]


def test_signal_whose_call_is_not_there_is_left_out(tmp_path: Path) -> None:
    """A call that has not ended yet has no row."""
    first = stories.closed()
    chunk = read(tmp_path, first, stories.signal(first.key, stories.a_key()))
    assert [one.reason for one in chunk.left_out] == ["call_not_closed"]


def test_a_models_opinion_is_no_evidence(tmp_path: Path) -> None:
    """It makes no row beside what people did."""
    first, second = stories.closed(), stories.closed()
    chunk = read(tmp_path, first, second, stories.signal(first.key, second.key, provenance="llm"))
    assert [one.reason for one in chunk.left_out] == ["opinion"]


@pytest.mark.parametrize(
    "select",
    [{"feedback_kinds": ("score",)}, {"sources": ("reviewer",)}, {"languages": ("fr",)}, {"min_quality": 0.9}],
)
def test_what_was_not_selected_says_so(tmp_path: Path, select: dict[str, Any]) -> None:
    """By kind, source, language or quality."""
    call = stories.closed()
    chunk = read(tmp_path, call, about(call, kind="rating", value_json="true"), **select)
    assert [one.reason for one in chunk.left_out] == ["not_selected"]


def test_what_waits_for_its_call_is_no_evidence_of_its_neighbour(tmp_path: Path) -> None:
    """A feedback that names another span of the same trace says nothing of this call."""
    call = stories.closed()
    given = stories.feedback(target_trace_id=call.key.trace_id, target_span_id="b" * 16)

    chunk = read(tmp_path, call, given)

    assert chunk.evidence == []
    assert [one.reason for one in chunk.left_out] == ["target_pending"]


def test_unusable_call_leaves_its_facts_out(tmp_path: Path) -> None:
    """With the reason of the call."""
    call = stories.closed(outcome="client_disconnected")
    chunk = read(tmp_path, call, about(call))
    assert (chunk.prompts, [one.reason for one in chunk.left_out]) == ([], ["answer_incomplete"])


def test_parts_of_a_selection_share_no_user_and_leave_nobody_out(tmp_path: Path) -> None:
    """The calls of a user, and of a session without one, stay together; every call is in one of two parts that meet."""
    users = [f"user-{number // 2}" if number % 2 else None for number in range(16)]
    asked = [
        Request(model="small", messages=(Message("user", f"Why {number}?"),), user=user)
        for number, user in enumerate(users)
    ]
    calls = [
        stories.closed(call=stories.opened(request=request), session_id=f"s{number // 4}")
        for number, request in enumerate(asked)
    ]
    thumbs = [about(call, kind="rating", value_json="true") for call in calls]
    numbers = {call.key: number for number, call in enumerate(calls)}
    with selected(write_facts(tmp_path, *calls, *thumbs)) as selection:
        rows = only_chunk(selection)

    parts = [read_chunk(rows, Select(part=part)) for part in ((0.0, 0.5), (0.5, 1.0))]

    chosen = [{numbers[answer.key] for _, prompt in chunk.prompts for answer in prompt.answers} for chunk in parts]
    assert (chosen[0] & chosen[1], chosen[0] | chosen[1]) == (set(), set(numbers.values()))
    sessions = [{f"s{number // 4}" for number in part if number % 2 == 0} for part in chosen]
    assert all(chosen)
    assert sessions[0] & sessions[1] == set()


def test_each_choice_is_an_answer_with_the_feedback_that_names_it(tmp_path: Path) -> None:
    """What names none of several cannot be told to one, and neither can a signal."""
    call, later = stories.closed(choices=("Magic.", "It scatters.", "Dust.")), stories.closed(answered="So.")
    liked = about(call, kind="rating", value_json="true", choice=1)
    put_right = about(call, kind="correction", value_json='"Light scatters."', choice=0, rater="b")
    unnamed = about(call, kind="rating", value_json="false", rater="c")
    noticed = stories.signal(call.key, later.key)

    chunk = read(tmp_path, call, later, liked, put_right, unnamed, noticed)

    answers = [one for _, prompt in chunk.prompts for one in prompt.answers if one.key == call.key]
    assert [(one.choice, one.message.text) for one in answers] == [(0, "Magic."), (1, "It scatters."), (2, "Dust.")]
    assert [[fact.id for fact in one.evidence] for one in answers] == [
        [put_right.feedback_id],
        [liked.feedback_id],
        [],
    ]
    assert [one.message.text for one in answers[0].replacements] == ["Light scatters."]
    assert {one.id: one.reason for one in chunk.left_out} == {
        unnamed.feedback_id: "choice_not_named",
        noticed.signal_id: "several_choices",
    }


def test_choices_are_selected_one_by_one(tmp_path: Path) -> None:
    """By the quality of each; a call of which none is left makes no prompt."""
    call = stories.closed(choices=("Magic.", "It scatters."))
    liked, disliked = (
        about(call, kind="rating", value_json=value, choice=number) for number, value in enumerate(("false", "true"))
    )
    chunk = read(tmp_path / "a", call, liked, disliked, min_quality=0.6)
    assert [one.choice for one in chunk.prompts[0][1].answers] == [1]
    assert [one.reason for one in chunk.left_out] == ["not_selected"]
    assert read(tmp_path / "b", call, liked, disliked, min_quality=0.99).prompts == []


def test_choices_of_one_call_can_be_ranked(tmp_path: Path) -> None:
    """Each item of the ranking is evidence of its own choice."""
    call = stories.closed(choices=("Magic.", "It scatters."))
    items = tuple(CallNamed(call.key.trace_id, call.key.span_id, choice=number, rank=1 - number) for number in range(2))
    ranking = stories.feedback(kind="ranking", value_json="null", calls=items)
    chunk = read(tmp_path, call, ranking)
    assert [[one.rank for one in answer.evidence] for answer in chunk.prompts[0][1].answers] == [[1], [0]]


class TestSessionFeedback:
    """What was said of a session makes rows only where a recipe says so, and weighs less."""

    @staticmethod
    def read(folder: Path, *facts: Fact) -> Chunk:
        """With the switch on."""
        with selected(write_facts(folder, *facts), Scope(last_answers=True)) as selection:
            chunk = read_chunk(only_chunk(selection), Select(session_feedback="last_answer"))
            chunk.left_out.extend(selection.left_out())
            return chunk

    def test_it_is_weak_evidence_of_the_last_answer(self, tmp_path: Path) -> None:
        """Three tenths of the same said of the answer; no other answer of the session gets any."""
        first = stories.closed(call=stories.opened(asked="Why?"))
        last = stories.closed(call=stories.opened(asked="How?", opened_ns=stories.NOON_NS + 1))
        said = stories.feedback(kind="rating", value_json="true", target_session_id="5e55")
        chunk = self.read(tmp_path, first, last, said)
        answers = {one.key: one for _, prompt in chunk.prompts for one in prompt.answers}
        assert list(answers) == [last.key]
        (evidence,) = answers[last.key].evidence
        assert evidence.log_odds == pytest.approx(0.42)
        assert evidence.of_session
        assert chunk.left_out == []

    def test_it_takes_the_place_of_nothing_that_was_said_of_the_answer(self, tmp_path: Path) -> None:
        """The same voice says one thing of the answer and another of the session."""
        call = stories.closed()
        thumb = about(call, kind="rating", value_json="false", rater="a")
        said = stories.feedback(kind="rating", value_json="true", target_session_id="5e55", rater="a")
        evidence = self.read(tmp_path, call, thumb, said).prompts[0][1].answers[0].evidence
        assert {one.id for one in evidence} == {thumb.feedback_id, said.feedback_id}

    def test_a_session_that_went_on_has_no_last_answer_yet(self, tmp_path: Path) -> None:
        """What was said before the last call is not about it."""
        call = stories.closed(call=stories.opened(opened_ns=stories.NOON_NS + 3_600 * 10**9))
        said = stories.feedback(kind="rating", value_json="true", target_session_id="5e55", given_ns=stories.NOON_NS)
        chunk = self.read(tmp_path, call, said)
        assert (chunk.prompts, [one.reason for one in chunk.left_out]) == ([], ["target_is_session"])

    def test_another_tenants_session_is_another_one(self, tmp_path: Path) -> None:
        """Whatever it is called."""
        said = stories.feedback(kind="rating", value_json="true", target_session_id="5e55", tenant="other")
        assert self.read(tmp_path, stories.closed(), said).prompts == []

    def test_it_is_left_out_unless_a_recipe_says_so(self, tmp_path: Path) -> None:
        """As what it is."""
        said = stories.feedback(kind="rating", value_json="true", target_session_id="5e55")
        chunk = read(tmp_path, stories.closed(), said)
        assert (chunk.prompts, [one.reason for one in chunk.left_out]) == ([], ["target_is_session"])
