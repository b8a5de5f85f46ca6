"""`backtalk review` without a server; `tests/flows/test_review.py` types it for real."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backtalk.cli import main
from backtalk.commands import review as review_commands


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("3", 3),
        ("0.5", 0.5),
        ("good", "good"),
        ('"x"', '"x"'),
        ("[1]", "[1]"),
    ],
)
def test_a_value_is_what_it_looks_like(text: str, value: object) -> None:
    """Words that are no JSON scalar are categories."""
    assert review_commands.value_of(text) == value


def test_an_answer_cannot_play_with_the_terminal() -> None:
    """What a model wrote is shown without its control characters."""
    item: dict[str, Any] = {
        "item": "i",
        "request": {"messages": []},
        "answers": [{"role": "assistant", "text": "\x1b[2Jgone"}],
    }
    assert "\x1b" not in review_commands.shown({"items": [item], "waiting": 1})


def test_without_a_backtalk_it_says_what_to_do(tmp_path: Path) -> None:
    """One sentence."""
    said = CliRunner().invoke(main, ["review", "--data-dir", str(tmp_path)])
    assert said.exit_code == 2
    assert "backtalk serve" in said.output
