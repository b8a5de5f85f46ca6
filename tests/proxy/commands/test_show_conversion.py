"""How conversion looks on a terminal."""

from typing import Any

import pytest

from backtalk.commands import show_conversion
from backtalk.commands.show_conversion import share

NOTHING = {"count": 0, "converted": 0, "share": None, "low": 0.0, "high": 1.0}


def test_a_share_stands_with_its_interval() -> None:
    """And nothing is told of nothing."""
    assert share({"share": 0.5, "low": 0.25, "high": 0.75}) == "50.0% (25.0-75.0)"
    assert share(NOTHING) == "nothing is known"


def test_kinds_that_others_named_do_not_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A kind or a reason of a plugin is shown and not obeyed."""
    one: dict[str, Any] = {
        "fact": "signal",
        "kind": "\x1b[2J",
        **NOTHING,
        "exits": [{"exit": "\x1b", "count": 1}],
        "ages": {},
    }
    show_conversion.conversion({"total": NOTHING, "since_ns": 0, "until_ns": 1, "datasets": 0, "kinds": [one]})
    assert "\x1b" not in capsys.readouterr().out
