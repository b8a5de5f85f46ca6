"""The dialogue detector: switches and returns, which judge no answer."""

from backtalk.testing import factories
from backtalk.testing.conformance import check_detector
from backtalk.testing.dialogue import Dialogue as Chat
from backtalk.testing.dialogue import Stage
from backtalk_dialogue import Dialogue


def test_it_conforms() -> None:
    """Loads, is pure, survives odd facts, claims within bounds, is quick."""
    check_detector(Dialogue)


def test_an_edit_that_asks_something_else_is_a_topic_change() -> None:
    """Its answer was taken back, not judged."""
    stage = Stage(detectors=[Dialogue()])
    chat = Chat(stage)
    chat.says("Tell me of the sea.")
    about = chat.says("How do the tides work?")
    chat.edits("Which museums are open on Mondays?")
    assert [(signal.kind, signal.about, signal.polarity) for signal in stage.signals] == [
        ("topic_change", about, "neutral")
    ]


def test_another_model_after_an_answer_is_a_switch() -> None:
    """Whether for the next turn or for another attempt."""
    before = factories.turn("Why?", model="another")
    view = factories.view("next_turn", parent=before, user_text="And then?")
    [signal] = Dialogue().observe(factories.opened("And then?"), view)
    assert (signal.kind, dict(signal.evidence)) == ("model_switch", {"from": "another", "to": "a-model"})
    same = factories.view("next_turn", parent=factories.turn("Why?", model="a-model"), user_text="And then?")
    assert not Dialogue().observe(factories.opened("And then?"), same)


def test_another_language_is_a_switch() -> None:
    """Told by function words."""
    stage = Stage(detectors=[Dialogue()])
    chat = Chat(stage)
    chat.says("What is the reason for the tides of the sea?")
    chat.says("Was ist mit der Sonne und dem Wind?")
    assert [signal.kind for signal in stage.signals] == ["language_switch"]
    assert dict(stage.signals[0].evidence) == {"from": "en", "to": "de"}


def test_a_dialogue_that_goes_on_after_a_pause_is_resumed() -> None:
    """The pause is a setting of the session."""
    stage = Stage(detectors=[Dialogue()])
    chat = Chat(stage)
    chat.says("How do the tides work?")
    stage.wait(7_200)
    chat.says("And on lakes?")
    assert [signal.kind for signal in stage.signals] == ["resumption"]
