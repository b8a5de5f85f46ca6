"""The tables that the queries stand on."""

from backtalk.datasets.queries import tables
from backtalk.ledger.schema import COLUMNS


def test_tables_are_those_of_the_ledger() -> None:
    """Every column, by its name."""
    for name, table in zip(tables.NAMES, tables.ledger(), strict=True):
        assert tuple(table.columns) == tuple(COLUMNS[name])


def test_kept_tables_are_known_by_their_columns() -> None:
    """As the steps before leave them."""
    assert set(tables.fits().columns) == set(tables.FITS)
    assert set(tables.touched().columns) == set(tables.TOUCHED)
    assert set(tables.needed().columns) == set(tables.NEEDED)
