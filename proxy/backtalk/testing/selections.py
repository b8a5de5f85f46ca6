"""Selections for tests: a ledger goes in, what a dataset would be made from comes out."""

from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from backtalk.datasets.engine import Engine
from backtalk.datasets.queries.scope import Scope
from backtalk.datasets.selection import Selection
from backtalk.datasets.surroundings import ChunkRows
from backtalk.ledger.schema import TableName


@contextmanager
def selected(
    root: Path, scope: Scope | None = None, versions: Mapping[TableName, int] | None = None
) -> Generator[Selection]:
    """What a scope selects of a ledger; all where none is given."""
    with TemporaryDirectory() as folder, closing(Engine(root, Path(folder), versions=versions)) as engine:
        yield Selection(engine, scope or Scope(), untold)


def only_chunk(selection: Selection) -> ChunkRows:
    """The rows of a selection that fits into one chunk; none where nothing is selected."""
    (chunk,) = [*selection.chunks()] or [ChunkRows([], [], [], [], [], [], [])]
    return chunk


def untold(what: str, done: int, total: int) -> None:
    """Hear of progress, and say nothing."""
    del what, done, total
