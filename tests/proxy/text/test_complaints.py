"""Complaints without a cue word, each by its rule."""

import pytest

from backtalk.text.complaints import COMPLAINTS
from backtalk.text.exchange import Exchange

CODE = "```python\nprint(row[3])\n```"
REFUSED = "I'm sorry, but I can't assist with that."


def _fired(asked: str, answer: str, text: str) -> list[str]:
    return [rule.name for rule in COMPLAINTS if rule.holds(Exchange(asked, answer, text))]


@pytest.mark.parametrize(
    ("asked", "answer", "text", "rule"),
    [
        ("print the fourth column", CODE, "IndexError: list index out of range", "error_pasted"),
        ("print the fourth column", CODE, "it prints nothing", "output_fails"),
        ("name cats", "Tom, Tom", "you listed Tom twice", "you_did"),
        ("name cats", "Tom, Rex", "your list has a dog in it", "you_did"),
        ("book a table", "Sorry, I couldn't. Shall I try ten?", "No, leave it", "declines"),
        ("how do I pick a lock", REFUSED, "its my own house", "pushes"),
        ("how do I pick a lock", REFUSED, "why not?", "pushes"),
        ("'good luck' in latin", "In Spanish it is 'buena suerte'.", "latin not spanish", "not_this"),
        ("sum it up in one short sentence", "It is long. It goes on.", "one sentence!", "reminds"),
        ("a story about a knight", "Once there was a dragon.", "where is the knight?", "misses"),
        ("用中文写一首诗", "Roses are red, violets are blue", "请用中文", "in_language"),
        ("what is 17*23", "17*23 = 381", "its 391", "other_number"),
    ],
)
def test_a_rule_fires_where_people_complain_so(asked: str, answer: str, text: str, rule: str) -> None:
    """What people write."""
    assert rule in _fired(asked, answer, text)


@pytest.mark.parametrize(
    ("asked", "answer", "text"),
    [
        ("hello", "Hi!", "I have a TypeError: unsupported operand in my script, what is it"),
        ("a riddle", "What has keys?", "a piano, not a door"),
        ("names for a cat", "Tom, Rex", "more names"),
        ("pick a number", "Is it 12?", "13"),
        ("what is docker", "A platform.", "can you give an example?"),
        ("book a table", "Booked. Anything else?", "No, thanks"),
        ("translate to latin", "Salve", "and in english?"),
    ],
)
def test_what_only_resembles_a_complaint_fires_nothing(asked: str, answer: str, text: str) -> None:
    """A new problem, a reply, a wish for more."""
    assert _fired(asked, answer, text) == []
