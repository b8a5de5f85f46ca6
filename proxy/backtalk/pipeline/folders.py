"""Where a pipeline keeps what it does: `pipelines/<name>/` of the data directory, a folder for each run.

In: a data directory, a name, a run's id. Out: paths. The one rule: a name that came from outside is a path only after
it was found to be a name.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from backtalk.clock import NS_PER_MS, NS_PER_S
from backtalk.errors import RequestError

DIRECTORY: Final = "pipelines"
MAX_NAME_CHARS: Final = 64
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_RUN_ID: Final = re.compile(r"[0-9]{8}t[0-9]{9}z-[0-9a-f]{6}")


class Home(NamedTuple):
    """The folder of a pipeline."""

    path: Path

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.path.name

    @property
    def lock(self) -> Path:
        """Held by the one process that works on it."""
        return self.path / "lock"

    @property
    def about(self) -> Path:
        """What the pipeline is, as it was last seen."""
        return self.path / "pipeline.json"

    @property
    def triggers(self) -> Path:
        """What asked for a look and was not answered yet."""
        return self.path / "triggers"

    @property
    def answers(self) -> Path:
        """What became of each."""
        return self.path / "answers"

    @property
    def runs(self) -> Path:
        """The runs' folders."""
        return self.path / "runs"

    def run_ids(self) -> Sequence[str]:
        """The runs, the oldest first."""
        found = self.runs.iterdir() if self.runs.is_dir() else ()
        return sorted(one.name for one in found if _RUN_ID.fullmatch(one.name))


def home(data_dir: Path, name: str) -> Home:
    """The folder of a pipeline; raises `RequestError` for what is no name."""
    if not is_name(name):
        raise RequestError(
            "a pipeline's name is the name of its file, without .toml", code="unknown_pipeline", status=404
        )
    return Home(data_dir / DIRECTORY / name)


def homes(data_dir: Path) -> Sequence[Home]:
    """All pipelines of a data directory, by name."""
    root = data_dir / DIRECTORY
    found = root.iterdir() if root.is_dir() else ()
    return [Home(path) for path in sorted(found) if is_name(path.name) and path.is_dir()]


def is_name(text: str) -> bool:
    """Whether a pipeline may be called so."""
    return _NAME.fullmatch(text) is not None


def new_run_id(now_ns: int) -> str:
    """A name for a run that begins now; names sort by time, to the millisecond."""
    began = datetime.fromtimestamp(now_ns // NS_PER_S, UTC).strftime("%Y%m%dt%H%M%S")
    return f"{began}{now_ns % NS_PER_S // NS_PER_MS:03d}z-{secrets.token_hex(3)}"
