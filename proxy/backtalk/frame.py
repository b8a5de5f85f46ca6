"""A table for notebooks: Arrow, or an expression, for whatever library the notebook has around it.

In: how an Arrow table is read, and how an expression of the same rows is made. Out: either. The one rule: nothing is
read, and no library needed, until it is asked for; what was read is kept.
"""

import html
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

from arro3.core import Table

from backtalk.ledger.arrow import rows_of
from backtalk.table_expressions import load

_PREVIEW_ROWS: Final = 10
_CELL_CHARS: Final = 60


class Frame:
    """Rows by column; `polars.DataFrame(frame)` and `pyarrow.table(frame)` take it as it is."""

    def __init__(self, read: Callable[[], Table], expression: Callable[[], Any]) -> None:
        self._read = read
        self._expression = expression

    @cached_property
    def _table(self) -> Table:
        return self._read()

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns."""
        return tuple(self._table.column_names)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)

    def arrow(self) -> Table:
        """The Arrow table."""
        return self._table

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return list(rows_of(self._table.to_batches()))

    def pandas(self) -> Any:
        """A pandas data frame; raises `SetupError` where pandas or pyarrow is not installed."""
        load("pandas")
        return _without_views(load("pyarrow"), self).to_pandas()

    def ibis(self) -> Any:
        """An Ibis table expression on DuckDB, joinable with those of the same store; raises `SetupError` likewise.

        Calls and signals are read when the expression is executed, and only the columns and rows that it needs, in no
        order.
        """
        return self._expression()

    def __repr__(self) -> str:
        return f"<{len(self)} rows of {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        """The first rows, as a notebook shows them."""
        rows = list(rows_of(self._table.slice(0, min(len(self), _PREVIEW_ROWS)).to_batches()))
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        lines = ("".join(f"<td>{_cell(value)}</td>" for value in row.values()) for row in rows)
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{len(self)} rows</p>"


def _without_views(pyarrow: Any, frame: Frame) -> Any:
    """The table with plain texts: pandas takes no lists of the views that DataFusion gives."""
    kinds = pyarrow.types
    table = pyarrow.table(frame)

    def plain(kind: Any) -> Any:
        if kinds.is_list(kind):
            return pyarrow.list_(plain(kind.value_type))
        return pyarrow.string() if kinds.is_string_view(kind) else kind

    return table.cast(pyarrow.schema([(field.name, plain(field.type)) for field in table.schema]))


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return html.escape(text if len(text) <= _CELL_CHARS else f"{text[:_CELL_CHARS]}...")
