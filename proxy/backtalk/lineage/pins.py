"""Which versions of the ledger's tables are kept from vacuum: those that datasets in use were built from.

In: a data directory. Out: versions by table. The one rule: a lineage that cannot be read lets nothing be deleted.
"""

from collections import defaultdict
from pathlib import Path

from backtalk.ledger.schema import TABLES, TableName
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog


def pins(data_dir: Path) -> dict[TableName, frozenset[int]]:
    """The versions by table; raises `StoreError` where the log cannot be read or trusted."""
    found: defaultdict[TableName, set[int]] = defaultdict(set)
    for entry in Catalogue(LineageLog(data_dir).records()).datasets:
        if entry.retired is None:
            for table in TABLES:
                if (version := entry.built.tables.get(table)) is not None:
                    found[table].add(version)
    return {table: frozenset(versions) for table, versions in found.items()}
