"""A table for notebooks: Arrow inside, and whatever library the notebook has around it.

In: an Arrow table. Out: itself by Arrow's C interface, which Polars, DuckDB and pyarrow read. The one rule: none of
those libraries is needed until it is asked for.
"""

import html
import importlib
from collections.abc import Sequence
from typing import Any, Final

from arro3.core import Table

from backtalk.errors import SetupError

_PREVIEW_ROWS: Final = 10
_CELL_CHARS: Final = 60


class Frame:
    """Rows by column; `polars.DataFrame(frame)` and `pyarrow.table(frame)` take it as it is."""

    def __init__(self, table: Table) -> None:
        self._table = table

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
        lists: list[list[Any]] = [self._column(name) for name in self.columns]
        return [dict(zip(self.columns, values, strict=True)) for values in zip(*lists, strict=True)]

    def pandas(self) -> Any:
        """A pandas data frame; raises `SetupError` where pandas or pyarrow is not installed."""
        _import("pandas")
        return _import("pyarrow").table(self).to_pandas()

    def ibis(self) -> Any:
        """An Ibis table expression; raises `SetupError` where Ibis or pyarrow is not installed."""
        return _import("ibis").memtable(_import("pyarrow").table(self))

    def __repr__(self) -> str:
        return f"<{len(self)} rows of {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        """The first rows, as a notebook shows them."""
        rows = Frame(self._table.slice(0, min(len(self), _PREVIEW_ROWS))).rows()
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        lines = ("".join(f"<td>{_cell(value)}</td>" for value in row.values()) for row in rows)
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{len(self)} rows</p>"

    def _column(self, name: str) -> list[Any]:
        column: Any = self._table.column(name)
        return list(column.to_pylist())


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return html.escape(text if len(text) <= _CELL_CHARS else f"{text[:_CELL_CHARS]}...")


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f"{name} is not installed: pip install 'backtalk[notebook]'"
        raise SetupError(message, code="not_installed") from error
