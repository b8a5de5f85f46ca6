"""`backtalk.open`: what a notebook asks of a data directory.

In: a directory, a period, columns. Out: frames. The one rule: what counts is given, unless everything is asked for:
signals by their latest replay, feedback without what was superseded, retracted, replaced, rejected or never joined.
"""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from arro3.core import Table
from arro3.io import read_parquet

from backtalk import clock
from backtalk.clock import NS_PER_S
from backtalk.errors import RequestError, SetupError
from backtalk.frame import Frame
from backtalk.ledger.effective import effective
from backtalk.ledger.query import LedgerQuery
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.schema import COLUMNS, Row, TableName, arrow_table
from backtalk.ledger.standing import Standing
from backtalk.lineage import manifests
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.quality import effective_queries
from backtalk.quality.conversion import conversion
from backtalk.quality.coverage_queries import Period
from backtalk.table_expressions import TableExpressions

Instant = datetime | str | int | None
"""A time with its zone (else UTC), ISO 8601, or nanoseconds since 1970."""
_ADDED: Final = ("state", "call_trace_id", "call_span_id")
_FACTS: Final = ("feedback_ids", "signal_ids", "trace_ids")


class Store:
    """One data directory, read as it is at each question; nothing is written."""

    def __init__(self, data_dir: Path) -> None:
        if not (data_dir / "ledger").is_dir():
            message = f"there is no ledger in {data_dir}: name the data directory of a `backtalk serve`"
            raise SetupError(message, code="no_ledger")
        self._data_dir = data_dir

    @cached_property
    def _expressions(self) -> TableExpressions:
        return TableExpressions(self._data_dir / "ledger")

    def calls(self, *, since: Instant = None, until: Instant = None, columns: Sequence[str] | None = None) -> Frame:
        """Calls that arrived in a period, oldest first."""
        period, asked = _period(since, until), _columns("calls", columns)
        query, ledger = effective_queries.calls(period, asked), LedgerQuery(self._data_dir / "ledger")
        return Frame(lambda: ledger.arrow(query), lambda: self._expressions.calls(*period, asked))

    def signals(
        self,
        *,
        since: Instant = None,
        until: Instant = None,
        columns: Sequence[str] | None = None,
        everything: bool = False,
    ) -> Frame:
        """Signals found in a period that count; with `everything` also links, relations and superseded rows."""
        period, asked = _period(since, until), _columns("signals", columns)
        query = effective_queries.signals(period, asked, superseded=everything)
        ledger = LedgerQuery(self._data_dir / "ledger")
        return Frame(
            lambda: ledger.arrow(query), lambda: self._expressions.signals(*period, asked, superseded=everything)
        )

    def feedback(
        self,
        *,
        since: Instant = None,
        until: Instant = None,
        columns: Sequence[str] | None = None,
        everything: bool = False,
    ) -> Frame:
        """Feedback given in a period that counts, with the call that each is about; with `everything` all, by `state`.

        It is judged in memory: ask for a period at a time where there are millions.
        """
        asked = _columns("feedback", columns, _ADDED)
        reader = LedgerReader(self._data_dir / "ledger")
        found = effective(reader, reader.feedback_between(*_period(since, until)))
        return self._frame(_told([one for one in found if everything or one.state == "counts"]).select(list(asked)))

    def dataset(self, name: str) -> Frame:
        """The rows of a registered dataset, by its name or id; raises `RequestError` where there is none.

        Where its files hold no Parquet, the rows are those of its manifest: the hash of each, and the facts behind it.
        """
        entry = Catalogue(LineageLog(self._data_dir).records()).dataset(name)
        folder = Path(entry.built.manifest).parent
        parts = [folder / file.path for file in entry.built.files if file.path.endswith(".parquet")]
        if parts:
            return self._frame(Table.from_batches([batch for part in parts for batch in read_parquet(part)]))
        return self._frame(_of_manifest(manifests.load(self._data_dir, entry.built)))

    def datasets(self) -> list[dict[str, Any]]:
        """The registered datasets, the oldest first."""
        return [entry.document for entry in Catalogue(LineageLog(self._data_dir).records()).datasets]

    def conversion(self, *, since: Instant = None, until: Instant = None) -> dict[str, Any]:
        """Which share of signals and feedback became rows, and why not the rest: what `backtalk conversion` says."""
        now_ns = clock.now().wall_ns
        period = _period(since, until)
        return conversion(self._data_dir, Period(period.since_ns, min(period.until_ns, now_ns)), now_ns)

    def _frame(self, table: Table) -> Frame:
        return Frame(lambda: table, lambda: self._expressions.rows(table))


def open_store(place: str | Path) -> Store:
    """Open a data directory, named by its path or as `file://`; raises `SetupError` where there is none."""
    text = str(place)
    if "://" in text and not text.startswith("file://"):
        raise SetupError(f"{text} cannot be opened: name a directory of this machine", code="bad_place")
    return Store(Path(text.removeprefix("file://")).expanduser())


def _told(found: Sequence[Standing]) -> Table:
    calls: list[Row] = [one.fits[0] if len(one.fits) == 1 else {} for one in found]
    rows = [
        {**one.row, "state": one.state, "call_trace_id": call.get("trace_id"), "call_span_id": call.get("span_id")}
        for one, call in zip(found, calls, strict=True)
    ]
    return arrow_table({**COLUMNS["feedback"], **dict.fromkeys(_ADDED, "text")}, rows)


def _of_manifest(manifest: manifests.Manifest) -> Table:
    kinds = {"row": "int", "split": "text", "sha256": "text"} | dict.fromkeys(_FACTS, "texts")
    rows = [
        {"row": row.row, "split": row.split, "sha256": row.sha256, "feedback_ids": row.feedback_ids}
        | {"signal_ids": row.signal_ids, "trace_ids": [call.trace_id for call in row.calls]}
        for row in manifest.rows
    ]
    return arrow_table(kinds, rows)


def _columns(table: TableName, asked: Iterable[str] | None, added: Sequence[str] = ()) -> tuple[str, ...]:
    known = (*COLUMNS[table], *added)
    wanted = known if asked is None else tuple(asked)
    if unknown := [name for name in wanted if name not in known]:
        raise RequestError(f"there is no column {unknown[0]!r}; there are {', '.join(known)}", code="unknown_column")
    return wanted


def _period(since: Instant, until: Instant) -> Period:
    return Period(_ns(since, 0), _ns(until, sys.maxsize))


def _ns(instant: Instant, default_ns: int) -> int:
    if instant is None or isinstance(instant, int):
        return default_ns if instant is None else instant
    try:
        given = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    except ValueError as error:
        raise RequestError(f"{instant!r} is no ISO 8601 time", code="bad_period") from error
    given = given.replace(tzinfo=UTC) if given.tzinfo is None else given
    return int(given.timestamp() * 1_000_000) * (NS_PER_S // 1_000_000)
