"""What people do shows what they thought of an answer; what software does shows nothing."""

from backtalk.testing import factories
from backtalk.testing.dialogue import Dialogue, Stage

QUESTION = "How do the tides work on a coast?"


def test_asking_again_is_a_regeneration_of_the_first_answer() -> None:
    """The signal is about the answer that was passed over, and names the call that shows it."""
    stage = Stage()
    chat = Dialogue(stage)
    passed_over = chat.says(QUESTION)
    shows_it = chat.regenerates()
    (signal,) = stage.signals

    assert (signal.kind, signal.about, signal.shown_by) == ("regeneration", passed_over, shows_it)
    assert (signal.detector, signal.detector_version) == ("regeneration", "1.0")
    assert 0.6 < signal.probability < 1


def test_a_regeneration_deep_in_a_dialogue_is_nearly_certain() -> None:
    """The same long history again is nobody else's."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says(QUESTION)
    chat.says("And on a lake?")
    chat.regenerates()

    assert stage.kinds == ["regeneration"]
    assert stage.signals[0].probability > 0.9


def test_a_stopped_answer_can_be_regenerated() -> None:
    """A stop and then another try are two signals about one answer."""
    stage = Stage()
    chat = Dialogue(stage)
    stopped = chat.says(QUESTION, answer="The moon pu", outcome="client_disconnected")
    chat.regenerates()

    assert stage.kinds == ["stop", "regeneration"]
    assert {signal.about for signal in stage.signals} == {stopped}


def test_an_edited_question_is_a_reformulation() -> None:
    """The same question in other words, in the same place."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says("Tell me of the sea.")
    about = chat.says(QUESTION)
    chat.edits("How exactly do the tides on a coast work?")

    assert stage.kinds == ["reformulation"]
    assert stage.signals[0].about == about
    assert stage.signals[0].evidence["form"] == "edit_and_resubmit"


def test_another_question_in_its_place_is_no_reformulation() -> None:
    """A change of mind says nothing of the answer."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says("Tell me of the sea.")
    chat.says(QUESTION)
    other = chat.edits("Which museums are open on Mondays?")

    assert stage.link(other).rule == "branch"
    assert [(signal.kind, signal.polarity) for signal in stage.signals] == [("topic_change", "neutral")]


def test_a_next_turn_that_says_it_again_is_a_reformulation() -> None:
    """Nothing was edited, but the question came back in other words."""
    stage = Stage()
    chat = Dialogue(stage)
    about = chat.says("How do tides work?")
    chat.says("How do the tides work on a coast with the moon?")

    assert stage.kinds == ["reformulation"]
    assert stage.signals[0].about == about
    assert stage.signals[0].evidence["form"] == "next_turn"


def test_a_follow_up_is_no_reformulation() -> None:
    """Going deeper into a topic is what a dialogue is for."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says(QUESTION)
    chat.says("Why are they higher at full moon?")
    chat.says("Thanks, that helps.")

    assert [(signal.kind, signal.polarity) for signal in stage.signals] == [("acceptance", "positive")]


def test_an_edited_answer_is_an_assistant_edit() -> None:
    """The app sends other words back than the model gave."""
    stage = Stage()
    chat = Dialogue(stage)
    about = chat.says(QUESTION, answer="The moon pushes the water away.")
    chat.edits_answer("The moon pulls the water towards it.")
    chat.says("And the sun?")

    assert stage.kinds == ["assistant_edit"]
    assert stage.signals[0].about == about


def test_an_answer_sent_back_cut_is_no_edit() -> None:
    """Apps shorten what they resend."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says(QUESTION, answer="The moon pulls the water, and the sun does so a little.")
    chat.edits_answer("The moon pulls the water")
    follow_up = chat.says("And the sun?")

    assert stage.link(follow_up).rule == "next_turn"
    assert not stage.signals


def test_leaving_while_the_answer_comes_is_a_stop() -> None:
    """Some text had been read; the signal says how much."""
    stage = Stage()
    about = Dialogue(stage).says(QUESTION, answer="The moon pulls", outcome="client_disconnected")

    assert stage.kinds == ["stop"]
    assert stage.signals[0].about == stage.signals[0].shown_by == about
    assert stage.signals[0].evidence["delivered_chars"] == 14


def test_leaving_before_any_text_is_no_stop() -> None:
    """It looks the same as a client that timed out."""
    stage = Stage()
    Dialogue(stage).says(QUESTION, answer="", outcome="client_disconnected")

    assert not stage.signals


def test_a_retry_after_a_failure_is_a_fact_and_no_signal() -> None:
    """Client libraries send a failed call again by themselves."""
    stage = Stage()
    chat = Dialogue(stage)
    failed = chat.says(QUESTION, answer="", status=503)
    retry = chat.regenerates(read_s=1, retry_count=1)

    assert [(fact.kind, fact.about, fact.shown_by) for fact in stage.relations] == [("automatic_retry", failed, retry)]
    assert stage.link(retry).session_id == stage.link(failed).session_id
    assert not stage.signals


def test_a_retry_without_a_header_is_known_by_the_failure_before_it() -> None:
    """Within a minute of a failure, software asks again, not a person."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says(QUESTION, answer="", status=429)
    chat.regenerates(read_s=2)

    assert [fact.kind for fact in stage.relations] == ["automatic_retry"]
    assert stage.kinds == ["exhaustion"]


def test_a_fan_out_is_duplicates_in_one_session() -> None:
    """Several equal calls at once want several answers, and reject none."""
    stage = Stage()
    calls = [factories.opened(QUESTION, at_s=0.01 * n, stream=False) for n in range(3)]
    for call in calls:
        stage.open(call)

    assert [fact.kind for fact in stage.relations] == ["duplicate", "duplicate"]
    assert len({stage.link(call.key).session_id for call in calls}) == 1
    assert not stage.signals


def test_a_test_that_runs_again_is_a_duplicate_in_a_session_of_its_own() -> None:
    """A one-shot call that does not stream, repeated later, is a machine's."""
    stage = Stage()
    first = Dialogue(stage, stream=False).says(QUESTION)
    again = Dialogue(stage, stream=False).says(QUESTION, read_s=600)

    assert [fact.kind for fact in stage.relations] == ["duplicate"]
    assert stage.link(first).session_id != stage.link(again).session_id
    assert not stage.signals
