"""Arrow's batches as rows.

In: what Arrow's readers give, a batch at a time. Out: dictionaries, streamed. The one rule: no more than a batch is in
memory. The library's own stubs name types that it does not bring; the part that is used has its types here.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, cast


class Column(Protocol):
    """A column of a batch."""

    def to_pylist(self) -> list[Any]:
        """Its values."""
        ...


class Schema(Protocol):
    """What a batch, or a reader of them, consists of."""

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        ...


class Batch(Protocol):
    """Some rows."""

    @property
    def schema(self) -> Schema:
        """Its columns."""
        ...

    def column(self, i: str) -> Column:
        """A column by its name."""
        ...


class Batches(Protocol):
    """A reader."""

    @property
    def schema(self) -> Schema:
        """The columns of every batch."""
        ...

    def __iter__(self) -> Iterator[Batch]: ...


def rows_of(batches: object) -> Iterator[dict[str, Any]]:
    """The rows of an Arrow reader, or of a sequence of batches."""
    for batch in cast("Iterable[Batch]", batches):
        names = batch.schema.names
        columns = [batch.column(name).to_pylist() for name in names]
        yield from (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
