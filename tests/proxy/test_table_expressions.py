"""The tables as expressions; the mark `notebook` asks them beside Arrow."""

import pytest

from backtalk.errors import SetupError
from backtalk.table_expressions import load


def test_what_is_not_installed_is_said() -> None:
    """With what to install."""
    with pytest.raises(SetupError, match=r"no_such_library is not installed: pip install 'backtalk\[notebook\]'"):
        load("no_such_library")


def test_what_is_installed_is_loaded() -> None:
    """Under its own name."""
    assert load("json").loads("1") == 1
