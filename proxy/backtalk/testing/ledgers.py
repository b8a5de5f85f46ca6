"""Ledgers for tests: facts or rows go in, tables on disk come out, written by the ledger's own writer."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import TABLES, Row, TableName
from backtalk.ledger.table import LedgerTable
from backtalk.model.facts import Fact, JournalEntry


def write_facts(root: Path, *facts: Fact, secret: bytes = b"secret") -> Path:
    """Commit the facts to a new ledger under `root`."""
    ledger = Ledger(root, "journal-1", rows=Rows(secret))
    ledger.commit([(10, JournalEntry(facts))])
    ledger.close()
    return root


def write_rows(root: Path, rows: Mapping[TableName, Sequence[Row]]) -> Path:
    """Append rows as they are; every table is there afterwards."""
    for name in TABLES:
        table = LedgerTable.open(root / name, name, "journal-1")
        table.append(rows.get(name, ()), (table.position or 0) + 1)
    return root
