"""A table for notebooks."""

import subprocess
import sys

from arro3.core import Table

from backtalk.frame import Frame
from backtalk.ledger.schema import arrow_table

WITHOUT = """
import sys
sys.modules["pandas"] = sys.modules["ibis"] = None
from backtalk.errors import SetupError
from backtalk.frame import Frame
from backtalk.ledger.schema import arrow_table
from backtalk.table_expressions import load
table = arrow_table({"a": "int"}, [{"a": 1}])
frame = Frame(lambda: table, lambda: load("ibis"))
for ask in (frame.pandas, frame.ibis):
    try:
        ask()
    except SetupError as error:
        print(error.message)
"""
TABLE = arrow_table({"a": "text"}, [{"a": "<b>"}, {"a": None}])
FRAME = Frame(lambda: TABLE, lambda: None)


def test_any_library_reads_it_by_arrows_own_interface() -> None:
    """No copy of the product's is needed for that."""
    again = Table.from_arrow(FRAME)
    assert (again.num_rows, again.column_names) == (2, ["a"])
    assert (len(FRAME), FRAME.columns, FRAME.rows()) == (2, ("a",), [{"a": "<b>"}, {"a": None}])
    assert repr(FRAME) == "<2 rows of a>"


def test_a_preview_shows_texts_and_no_markup_of_theirs() -> None:
    """What a model wrote becomes no element of the notebook."""
    shown = FRAME._repr_html_()  # pyright: ignore[reportPrivateUsage] -- what notebooks call
    assert "<td>&lt;b&gt;</td>" in shown
    assert "<p>2 rows</p>" in shown


def test_what_is_not_installed_is_said() -> None:
    """With what to install."""
    found = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == [
        "pandas is not installed: pip install 'backtalk[notebook]'",
        "ibis is not installed: pip install 'backtalk[notebook]'",
    ]
