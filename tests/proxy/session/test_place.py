"""A place: what a rule found, and no more than a fact can carry."""

from typing import Any, get_args

import msgspec
import pytest

from backtalk.model.facts import CallRelated, LinkRule, RelationKind, SessionLinked
from backtalk.session.place import Place

VALUES = msgspec.structs.fields(Place)


def test_a_rule_alone_is_a_place_of_its_own() -> None:
    """Without relatives the call begins a session, and nothing about it is open."""
    place = Place("new", 0.9)
    assert (place.parent, place.sibling, place.relation, place.evidence) == (None, None, None, {})
    assert (place.joins_sibling, place.resolved) == (True, True)


def test_a_place_does_not_change() -> None:
    """Rules are tried one after the other on the same evidence; none may alter what another said."""
    place = Place("new", 0.9)
    with pytest.raises(AttributeError):
        place.rule = "repeat"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] -- that is the test


@pytest.mark.parametrize(
    ("field", "fact", "word"), [("rule", SessionLinked, "rule"), ("relation", CallRelated, "kind")]
)
def test_its_words_are_those_of_the_facts(field: str, fact: Any, word: str) -> None:
    """A rule or relation that no fact knows would fail only when the journal is written."""
    mine = next(value.type for value in VALUES if value.name == field)
    theirs = next(value.type for value in msgspec.structs.fields(fact) if value.name == word)
    assert set(get_args(theirs)) <= {*get_args(mine), *(word for part in get_args(mine) for word in get_args(part))}
    assert get_args(LinkRule)
    assert get_args(RelationKind)
