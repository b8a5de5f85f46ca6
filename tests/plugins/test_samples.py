"""The built-in builders: which prompts give which samples, with which reasons."""

from collections.abc import Sequence

import msgspec

from backtalk.plugin import CallKey, Evidence, Message, Sample, ToolCall, Unfit
from backtalk.plugin.discovery import SAMPLE_BUILDERS, check, installed, load_sample_builders
from backtalk.testing import stories
from backtalk.testing.samples import a_prompt, an_answer, corrected, edited, thumb
from backtalk_samples import (
    AcceptedAnswers,
    BestWorstPairs,
    CorrectedAnswers,
    CorrectionPairs,
    EditPairs,
    FailedCases,
    GoldenCases,
    JudgedAnswers,
    JudgedPrompts,
    RankingPairs,
    RegenerationPairs,
    RegressionCases,
    ToolCalls,
)
from backtalk_samples.limits import Limits
from backtalk_samples.ranked import Margin

LIMITS = Limits()


def regenerated(name: str, shown_by: CallKey) -> Evidence:
    """The answer was passed over."""
    return Evidence("signal", name, "regeneration", -0.6, 0.9, shown_by=shown_by)


def ranked(place: int) -> Evidence:
    """A place in a ranking."""
    return Evidence("feedback", "fb-1", "ranking", 0.0, rank=place)


def texts(made: Sequence[Sample | Unfit]) -> list[tuple[str, str]]:
    """Chosen and rejected texts."""
    return [
        (one.completion.text, one.rejected.text)
        for one in made
        if isinstance(one, Sample) and one.completion and one.rejected
    ]


def test_every_builder_enters_by_the_door() -> None:
    """Each installed builder is checked like anybody's, and says what it makes."""
    names = sorted(installed(SAMPLE_BUILDERS))
    for builder in load_sample_builders(names, {}):
        check(SAMPLE_BUILDERS, builder.name, type(builder))
        assert builder.build(a_prompt()) == []
    assert len(names) == 13


def test_accepted_answer_is_a_demonstration_and_says_why() -> None:
    """A thumb up makes a row that names the thumb; a thumb down and silence make none."""
    prompt = a_prompt(an_answer("good", thumb(True)), an_answer("bad", thumb(False, "fb-2")), an_answer("unknown"))

    (made,) = AcceptedAnswers(LIMITS).build(prompt)

    assert isinstance(made, Sample)
    assert made.completion == Message("assistant", "good")
    assert [(one.id, one.rule) for one in made.reasons] == [("fb-1", "accepted_answer")]


def test_corrected_answer_is_learned_in_the_answers_place() -> None:
    """What a person wrote is learned whole; an edit by its probability."""
    prompt = a_prompt(an_answer("said", replacements=(edited("edited"), corrected("right"))))

    made = CorrectedAnswers(LIMITS).build(prompt)

    assert [(one.completion.text, one.weight) for one in made if isinstance(one, Sample) and one.completion] == [
        ("right", 1.0),
        ("edited", 0.9),
    ]


def test_tool_calls_are_learned_only_where_tools_were_offered() -> None:
    """A text is no tool call, and without tools there is nothing to learn."""
    called = Message("assistant", tool_calls=(ToolCall("c-1", "weather", "{}"),))
    tooled = msgspec.structs.replace(an_answer("", thumb(True)), message=called)

    assert ToolCalls(LIMITS).build(a_prompt(tooled)) == []
    assert len(ToolCalls(LIMITS).build(a_prompt(tooled, an_answer("text", thumb(True)), tools_json="[]"))) == 1


def test_correction_and_edit_are_preferred() -> None:
    """Over what the model said; an unlikely edit and an equal text make no pair."""
    prompt = a_prompt(
        an_answer("said", replacements=(corrected("right"), edited("edited"), edited("maybe", "sig-2", 0.3))),
        an_answer("same", replacements=(corrected("same", "fb-2"),)),
    )

    corrections, edits = list(CorrectionPairs().build(prompt)), list(EditPairs(LIMITS).build(prompt))

    assert texts(corrections) == [("right", "said")]
    assert texts(edits) == [("edited", "said")]
    assert [(one.id, one.reason) for one in (*corrections, *edits) if isinstance(one, Unfit)] == [
        ("fb-2", "nothing_changed"),
        ("sig-2", "improbable"),
    ]


def test_the_answer_that_was_kept_is_preferred_to_all_that_were_passed_over() -> None:
    """A run of regenerations ends at the answer with which the person went on."""
    last = an_answer("third")
    second = an_answer("second", regenerated("sig-2", last.key))
    first = an_answer("first", regenerated("sig-1", second.key))

    made = list(RegenerationPairs(LIMITS).build(a_prompt(first, second, last)))

    assert texts(made) == [("third", "first"), ("third", "second")]


def test_a_kept_answer_that_failed_or_is_unknown_is_preferred_to_nothing() -> None:
    """Who gave up was not served."""
    disliked = an_answer("second", thumb(False))
    failed = a_prompt(an_answer("first", regenerated("sig-1", disliked.key)), disliked)
    unknown = a_prompt(an_answer("first", regenerated("sig-1", stories.a_key())))

    found = [one for prompt in (failed, unknown) for one in RegenerationPairs(LIMITS).build(prompt)]

    assert [one.reason for one in found if isinstance(one, Unfit)] == ["kept_answer_failed", "kept_answer_unknown"]


def test_ranking_pairs_neighbours() -> None:
    """Each place over the next; ties are no pair."""
    prompt = a_prompt(*(an_answer(text, ranked(place)) for text, place in (("c", 1), ("a", 0), ("b", 1), ("d", 2))))

    assert texts(list(RankingPairs().build(prompt))) == [("a", "c"), ("a", "b"), ("c", "d"), ("b", "d")]


def test_ranking_of_other_prompts_is_no_pair() -> None:
    """Answers to different prompts cannot be compared as a pair."""
    (made,) = RankingPairs().build(a_prompt(an_answer("a", ranked(0))))

    assert isinstance(made, Unfit)
    assert made.reason == "ranked_prompts_differ"


def test_best_and_worst_differ_by_enough() -> None:
    """The margin is that of the log-odds; less than asked for makes no pair."""
    prompt = a_prompt(an_answer("bad", thumb(False)), an_answer("good", thumb(True, "fb-2")))

    (made,) = BestWorstPairs(Margin()).build(prompt)

    assert isinstance(made, Sample)
    assert (texts([made]), made.margin) == ([("good", "bad")], 3.7)
    assert BestWorstPairs(Margin(min_margin=4)).build(prompt) == []


def test_judged_answers_have_both_labels() -> None:
    """Good, bad and corrected answers, each with its verdict."""
    prompt = a_prompt(
        an_answer("good", thumb(True)), an_answer("bad", thumb(False, "fb-2"), replacements=(corrected("right"),))
    )

    made = [one for one in JudgedAnswers(LIMITS).build(prompt) if isinstance(one, Sample)]

    assert [(one.completion.text, one.label) for one in made if one.completion] == [
        ("good", True),
        ("bad", False),
        ("right", True),
    ]


def test_judged_prompt_stands_once_with_a_right_answer() -> None:
    """However many answers there are."""
    prompt = a_prompt(an_answer("good", thumb(True)), an_answer("bad", thumb(False, "fb-2")))

    (made,) = JudgedPrompts(LIMITS).build(prompt)

    assert isinstance(made, Sample)
    assert made.reference == Message("assistant", "good")
    assert {one.id for one in made.reasons} == {"fb-1", "fb-2"}


def test_failed_case_needs_a_reference() -> None:
    """Without a right answer nobody can say whether the next one is better."""
    with_one = a_prompt(an_answer("bad", thumb(False)), an_answer("good", thumb(True, "fb-2")))
    without = a_prompt(an_answer("bad", thumb(False)))

    (made,), (unfit,) = FailedCases(LIMITS).build(with_one), FailedCases(LIMITS).build(without)

    assert isinstance(made, Sample)
    assert (made.tag, made.reference) == ("failed", Message("assistant", "good"))
    assert isinstance(unfit, Unfit)
    assert unfit.reason == "no_reference"


def test_golden_case_is_the_best_answer() -> None:
    """A prompt that was answered well."""
    (made,) = GoldenCases(LIMITS).build(a_prompt(an_answer("good", thumb(True)), an_answer("bad", thumb(False))))

    assert isinstance(made, Sample)
    assert (made.tag, made.reference) == ("golden", Message("assistant", "good"))


def test_regression_is_a_later_model_that_fails_where_an_earlier_one_did_not() -> None:
    """The other way round is progress, and one model alone is luck."""
    good = an_answer("good", thumb(True), opened_ns=1, model="old")
    bad = an_answer("bad", thumb(False, "fb-2"), opened_ns=2, model="new")

    (made,) = RegressionCases(LIMITS).build(a_prompt(good, bad))

    assert isinstance(made, Sample)
    assert {one.id for one in made.reasons} == {"fb-1", "fb-2"}
    same = an_answer("bad", thumb(False, "fb-2"), opened_ns=2, model="old")
    assert RegressionCases(LIMITS).build(a_prompt(good, same)) == []


def test_choices_of_one_call_make_a_pair() -> None:
    """Each is an answer of its own; the pair names its call once."""
    name = stories.a_key()
    liked = an_answer("It scatters.", thumb(up=True, name="fb-1"), key=name, choice=1)
    disliked = an_answer("Magic.", thumb(up=False, name="fb-2"), key=name, choice=0)
    (pair,) = BestWorstPairs(Margin()).build(a_prompt(disliked, liked))
    assert isinstance(pair, Sample)
    assert (pair.calls, pair.completion, pair.rejected) == ((name,), liked.message, disliked.message)
    assert {one.id for one in pair.reasons} == {"fb-1", "fb-2"}


def test_of_several_choices_none_is_known_to_have_been_kept() -> None:
    """A regeneration that brought two answers says which one was passed over, and not which was kept."""
    kept = stories.a_key()
    again = Evidence("signal", "s-1", "regeneration", -0.6, 0.9, shown_by=kept)
    passed = an_answer("Magic.", again)
    choices = [an_answer(text, key=kept, choice=number) for number, text in enumerate(("It scatters.", "Light."))]
    (found,) = RegenerationPairs(Limits()).build(a_prompt(passed, *choices))
    assert found == Unfit("signal", "s-1", "kept_answer_unknown")
