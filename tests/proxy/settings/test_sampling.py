"""Chances: off by default, never nothing, never certain."""

import pytest
from pydantic import ValidationError

from backtalk.settings.sampling import AskSettings, AuditSettings, read_share


def test_nothing_is_drawn_by_default() -> None:
    """Whoever wants answers asked about at random says so."""
    assert not AskSettings().enabled


@pytest.mark.parametrize("chance", [0, 1, -0.1, 1.1, float("nan")])
def test_a_chance_is_between_nothing_and_certainty(chance: float) -> None:
    """At both ends one arm would be empty, and nothing could be told of the people in it."""
    for name in ("inline_share", "prominent_share"):
        with pytest.raises(ValidationError, match=name):
            AskSettings.model_validate({name: chance})
    with pytest.raises(ValidationError, match="share"):
        AuditSettings.model_validate({"share": chance})


def test_a_chance_of_one_is_refused_with_the_reason() -> None:
    """Who wants all of them learns why that is no sample."""
    with pytest.raises(ValidationError, match="a chance of 1 leaves nothing undrawn"):
        AuditSettings(share=1.0)


def test_some_answers_are_left_unasked() -> None:
    """Without them there is nothing to compare with: the chances of asking stay below one together."""
    with pytest.raises(ValidationError, match="leave answers that nobody is asked about"):
        AskSettings(inline_share=0.5, prominent_share=0.5)


@pytest.mark.parametrize("entry", ["", "x", "=0.1", "m=0", "m=1.1", "m=nan", "m=often", "m=-1"])
def test_a_share_of_a_model_is_a_pattern_and_a_chance(entry: str) -> None:
    """Anything else is refused with the form that is allowed."""
    with pytest.raises(ValidationError, match=r"model-or-route\*=0\.1"):
        AuditSettings(shares=(entry,))


def test_a_share_is_read_from_its_end() -> None:
    """Names of models may hold the sign."""
    assert read_share("a=b*=0.5") == ("a=b*", 0.5)
