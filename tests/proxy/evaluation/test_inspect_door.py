"""The door says what is missing; the mark `evaluation` opens it with the real inspect_ai."""

from pathlib import Path
from typing import Any

import pytest

from backtalk.errors import SetupError
from backtalk.evaluation.asking import Asker
from backtalk.evaluation.inspect_door import Work, run


def nothing(*_: object) -> Any:
    """Never called."""


def test_the_package_is_asked_for_only_when_it_is_needed(tmp_path: Path) -> None:
    """Importing the door imports nothing heavy."""
    asker = Asker("http://127.0.0.1:1/v1", None, timeout_s=1, attempts=1)
    work = Work((), "small", asker, nothing, nothing, None, None, nothing, nothing, 1)
    with pytest.raises(SetupError, match="an evaluation needs inspect_ai"):
        run(work, tmp_path, name="exam")
