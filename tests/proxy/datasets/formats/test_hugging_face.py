"""A folder for `load_dataset`."""

from typing import get_args

from backtalk.datasets.formats.hugging_face import card, line
from backtalk.plugin import SampleKind
from backtalk.testing.samples import a_sample


def test_every_kind_has_a_line_with_what_made_it() -> None:
    """In TRL's form."""
    for kind in get_args(SampleKind):
        found = line(a_sample(kind))
        assert found["backtalk_feedback_ids"] == ["fb-1"]
        assert found["backtalk_weight"] == 1.0


def test_card_says_where_the_splits_are() -> None:
    """Its head is what `load_dataset` reads."""
    text = card("mine", "preference", "Pairs.", {"train": 3, "test": 1}, "builders = []")
    assert text.startswith('---\npretty_name: "mine"\n')
    assert "  - split: train\n    path: data/train.jsonl\n" in text
    assert "| test | 1 |" in text
