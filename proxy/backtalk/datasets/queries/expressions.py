"""The few words of Ibis that the queries are made of: each gives the same on DuckDB, PySpark and ClickHouse.

In: columns and tables. Out: columns, tables, and their SQL. The one rule: whatever engines may see differently (where
nulls stand in an order, what a hash looks like, how integers are divided) is kept out of sight here.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Final

import ibis  # pyright: ignore[reportMissingTypeStubs]  # it ships none

Table = Any
"""A table expression; Ibis has no types that a checker could read."""
Column = Any
"""A column expression; likewise."""
_ibis: Final[Any] = ibis


@_ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def md5(text: str) -> str:  # type: ignore[empty-body]  # pyright: ignore[reportReturnType]  # the engine's own function
    """A hash to group long texts by; it is text on one engine and bytes on another, so no result shows it."""


def unbound(name: str, columns: Mapping[str, str]) -> Table:
    """A table that is known by its name and its columns' types."""
    return _ibis.table(dict(columns), name=name)


def constant(value: str | int) -> Column:
    """The same value in every row."""
    return _ibis.literal(value)


def either(*columns: Column) -> Column:
    """The first that is not null."""
    return _ibis.coalesce(*columns)


def text(column: Column) -> Column:
    """A text without nulls."""
    return either(column, "")


def is_given(column: Column) -> Column:
    """Whether a text is neither null nor empty."""
    return text(column) != ""


def number(condition: Column) -> Column:
    """1 or 0."""
    return condition.ifelse(1, 0)


def place(*, within: Sequence[Column] = (), order: Sequence[Column]) -> Column:
    """From 0, the place of a row among those that agree in `within`; nulls must not stand in the order."""
    return _ibis.row_number().over(_ibis.window(group_by=list(within), order_by=list(order)))


def size(table: Table, *, within: Sequence[Column]) -> Column:
    """How many rows of a table agree in these columns."""
    return table.count().over(_ibis.window(group_by=list(within)))


def sum_before(column: Column, *, order: Sequence[Column]) -> Column:
    """The sum of a column over all rows that come earlier in the order."""
    until_here = _ibis.window(order_by=list(order), preceding=None, following=0)
    return (column.sum().over(until_here) - column).cast("int64")


def newest(column: Column) -> Column:
    """The order from the greatest value to the smallest."""
    return column.desc()


def union(*tables: Table) -> Table:
    """All rows of tables with the same columns, those that come twice twice."""
    return reduce(lambda left, right: left.union(right), tables)


def sql(table: Table, dialect: str) -> str:
    """What an engine is asked; `dialect` is a name of SQLGlot's."""
    return str(_ibis.to_sql(table, dialect=dialect))
