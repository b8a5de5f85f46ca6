"""The tables' columns, and rows as Arrow."""

from pathlib import Path
from typing import Any, Final

import pytest
from deltalake import QueryBuilder, write_deltalake
from deltalake.table import DeltaTable
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from backtalk.ledger.schema import COLUMNS, LOOKED_UP, TABLES, TableName, schema, to_arrow

VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    "int": st.integers(min_value=-(2**63), max_value=2**63 - 1),
    "real": st.floats(allow_nan=False),
    "flag": st.booleans(),
    "texts": st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=3),
}


def rows_of(table: TableName) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows with any of their columns, or none."""
    row = st.fixed_dictionaries(
        {}, optional={name: st.none() | VALUES[kind] for name, kind in COLUMNS[table].items() if name != "dt"}
    )
    return st.lists(row, max_size=4)


def read_back(made: Any) -> list[dict[str, Any]]:
    """An Arrow table as rows."""
    columns = {name: made.column(name).to_pylist() for name in made.column_names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@examples(max_examples=40)
@given(st.sampled_from(TABLES).flatmap(lambda table: st.tuples(st.just(table), rows_of(table))))
def test_rows_come_back_with_every_column(drawn: tuple[TableName, list[dict[str, Any]]]) -> None:
    """A value is what it was; a column that a row lacks is null, or an empty list."""
    table, rows = drawn
    empty: dict[str, Any] = {name: [] if kind == "texts" else None for name, kind in COLUMNS[table].items()}
    given_values = [{name: value for name, value in row.items() if value is not None} for row in rows]
    assert read_back(to_arrow(table, rows)) == [empty | values for values in given_values]


@pytest.mark.parametrize("table", TABLES)
def test_a_row_survives_the_disk(tmp_path: Path, table: TableName) -> None:
    """Delta keeps every type of every table."""
    samples: dict[str, Any] = {"text": "ä", "int": 2**62, "real": 0.25, "flag": True, "texts": ["a", "b"]}
    row = {name: samples[kind] for name, kind in COLUMNS[table].items()}
    write_deltalake(tmp_path / table, to_arrow(table, [row]), partition_by=["dt"])
    engine = QueryBuilder().register("t", DeltaTable(tmp_path / table))
    assert read_back(engine.execute("select * from t").read_all()) == [row]


@pytest.mark.parametrize(("column", "value"), [("status", "200"), ("stream", "yes"), ("model", 3), ("status", 2**63)])
def test_a_value_of_another_type_is_refused(column: str, value: object) -> None:
    """It is never changed in silence."""
    with pytest.raises((TypeError, ValueError, OverflowError)):
        to_arrow("calls", [{column: value}])


def test_every_table_is_written_and_has_its_day() -> None:
    """Tables are partitioned by day, and messages are there before the calls that name them."""
    assert set(TABLES) == set(COLUMNS)
    assert all("dt" in schema(table).names for table in TABLES)
    assert TABLES.index("messages") < TABLES.index("calls")


def test_what_is_looked_up_is_a_text_of_its_table() -> None:
    """A Bloom filter for a column that is not there would help nobody, and say nothing."""
    assert {COLUMNS[table][column] for table, columns in LOOKED_UP.items() for column in columns} == {"text"}
