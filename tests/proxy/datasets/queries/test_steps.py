"""The queries of a dataset by name."""

import pytest

from backtalk.datasets.queries import tables
from backtalk.datasets.queries.scope import Scope
from backtalk.datasets.queries.steps import CHUNKED, KEPT, WHOLE, queries, steps
from backtalk.datasets.surroundings import ChunkRows


def test_every_step_is_kept_or_read() -> None:
    """By name, those that are kept first."""
    names = [step.name for step in steps(Scope())]
    assert sorted(names) == sorted((*KEPT, *CHUNKED, *WHOLE))
    assert tuple(names[: len(KEPT)]) == KEPT
    assert ChunkRows._fields == tuple(CHUNKED)


@pytest.mark.parametrize(
    ("name", "columns"), [("fits", tables.FITS), ("touched", tables.TOUCHED), ("needed", tables.NEEDED)]
)
def test_a_kept_table_has_the_columns_that_later_steps_read(name: str, columns: dict[str, str]) -> None:
    """With their types."""
    (table,) = (step.table for step in steps(Scope()) if step.name == name)
    assert {column: str(kind).removeprefix("!") for column, kind in table.schema().items()} == columns


def test_chunked_steps_come_in_the_order_of_chunks() -> None:
    """The first word of their order is the chunk."""
    for name in CHUNKED:
        assert '"chunk" ASC' in queries(Scope(), "duckdb")[name].rpartition("ORDER BY")[2]
