"""Arrow's batches as rows."""

from backtalk.ledger.arrow import rows_of
from backtalk.ledger.schema import arrow_table


def test_rows_are_those_of_every_batch_in_order() -> None:
    """Null is none; without rows there are none."""
    table = arrow_table({"a": "int", "b": "texts"}, [{"a": 1, "b": ["x"]}, {"a": None, "b": ["y", "z"]}])
    assert list(rows_of(table.to_batches())) == [{"a": 1, "b": ["x"]}, {"a": None, "b": ["y", "z"]}]
    assert list(rows_of(arrow_table({"a": "int"}, []).to_batches())) == []
