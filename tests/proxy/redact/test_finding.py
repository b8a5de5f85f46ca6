"""Patterns run on an engine that is linear in the text, and what is no pattern is refused."""

import time

import pytest

from backtalk.errors import SetupError
from backtalk.plugin import Found
from backtalk.plugin.discovery import FINDERS, check
from backtalk.redact.finding import Patterns, compiled
from backtalk.redact.patterns import BUILT_IN, Pattern


def test_it_is_a_finder_like_anybody_s() -> None:
    """The built-in patterns stand behind the plugin's protocol."""
    check(FINDERS, "patterns", Patterns)


def test_places_are_those_of_characters_and_values_have_one_form() -> None:
    """Behind letters of several bytes too; an address is the same in any case."""
    assert Patterns([BUILT_IN["email"]]).find("Ländle: A@b.de") == [Found("email", 8, 14, "a@b.de")]


def test_an_own_pattern_is_found_beside_the_others() -> None:
    """In the order in which they were given."""
    patterns = Patterns([Pattern("staff", "E-[0-9]{6}"), BUILT_IN["email"]])
    assert [one.kind for one in patterns.find("a@b.de is E-123456")] == ["staff", "email"]
    assert Patterns([]).find("a@b.de") == []


@pytest.mark.parametrize(("expression", "why"), [("(", "no expression"), (r"(a)\1", "no expression"), ("a*", "empty")])
def test_an_expression_that_cannot_run_is_refused(expression: str, why: str) -> None:
    """The message names the pattern."""
    with pytest.raises(SetupError, match=f"staff .*{why}"):
        compiled("staff", expression)


def test_a_line_made_for_an_expression_costs_no_more_than_another() -> None:
    """`(a+)+$` takes Python's own engine years here; CPU of ten times the text is nowhere near its square."""
    patterns = Patterns([Pattern("evil", "(a+)+b")])

    def cpu_s(length: int) -> float:
        began_s = time.process_time()
        assert patterns.find("a" * length) == []
        return time.process_time() - began_s

    assert cpu_s(1_000_000) < 100 * max(cpu_s(100_000), 0.001)
