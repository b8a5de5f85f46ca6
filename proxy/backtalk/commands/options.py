"""Options that several commands of `backtalk` take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def settings_options(command: _Command) -> _Command:
    """Add the options that every command with settings takes."""
    command = click.option("--data-dir", type=click.Path(path_type=Path), help="Directory of everything kept.")(command)
    return click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (default: backtalk.toml)."
    )(command)
