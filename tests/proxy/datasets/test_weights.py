"""Weights: the priors, or those of a file, each by a name that there is."""

import hashlib
from pathlib import Path
from typing import get_args

import pytest

from backtalk.datasets.evidence import of_feedback
from backtalk.datasets.weights import PRIORS, Weights, read_weights
from backtalk.errors import SetupError
from backtalk.model.facts import SignalKind

THUMB = {"feedback_id": "fb-1", "kind": "rating", "value_json": "true", "source": "end_user"}


def test_a_file_takes_the_place_of_what_it_names(tmp_path: Path) -> None:
    """The rest are the priors; its hash is known, and evidence counts by it."""
    file = tmp_path / "weights.toml"
    file.write_text('[weights]\n"rating.up" = 2\n', encoding="utf-8")
    found = read_weights(file)
    assert (found.values["rating.up"], found.values["rating.down"]) == (2.0, PRIORS["rating.down"])
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (of_feedback(THUMB).log_odds, of_feedback(THUMB, found).log_odds) == (PRIORS["rating.up"], 2.0)
    assert found.document() == {"sha256": found.sha256, "values": dict(sorted(found.values.items()))}


def test_the_priors_have_no_hash() -> None:
    """A manifest names them by the version of the rules."""
    assert Weights().document() is None


def test_signals_of_which_something_is_claimed_have_a_weight() -> None:
    """All but the neutral ones."""
    neutral = {"language_switch", "topic_change", "model_switch", "resumption"}
    weighed = {name.removeprefix("signal.") for name in PRIORS if name.startswith("signal.")}
    assert weighed == set(get_args(SignalKind)) - neutral


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ('[weights]\n"rating.upp" = 1\n', "did you mean 'rating.up'"),
        ('[weights]\nscore = "much"\n', "score must be a number from -10 to 10"),
        ("[weights]\nscore = true\n", "score must be a number"),
        ("[weights]\nscore = nan\n", "score must be a number"),
        ("[weights]\nscore = 10.5\n", "score must be a number"),
        ("[weights]\n", r"has no table \[weights\]"),
        ("score = 1\n", r"has no table \[weights\]"),
        ("[weights\n", "cannot be read"),
    ],
)
def test_what_cannot_be_followed_is_refused(tmp_path: Path, text: str, refusal: str) -> None:
    """With the place, and what is allowed."""
    file = tmp_path / "weights.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match=refusal):
        read_weights(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(SetupError, match=r"none\.toml cannot be read"):
        read_weights(tmp_path / "none.toml")
