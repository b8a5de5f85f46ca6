"""What the eraser asks of a place, the place that the worker gives it can do."""

import pytest

from backtalk.datasets.erasing import Erased
from backtalk.export.loop import ExportLoop
from backtalk.ledger.writer import LedgerWriter
from backtalk.session.erasing import SessionErasing
from backtalk.worker.core import Core
from backtalk.worker.erasure_places import DatasetsErased, Facts, Rereading, Tables, Texts


@pytest.mark.parametrize(
    ("asked", "given"),
    [(Facts, Core), (Tables, LedgerWriter), (Texts, SessionErasing), (DatasetsErased, Erased), (Rereading, ExportLoop)],
)
def test_a_place_can_do_what_it_is_asked(asked: type, given: type) -> None:
    """Every public name of the protocol is one of the class."""
    names = {name for name in vars(asked) if not name.startswith("_")}
    assert names
    assert names <= set(dir(given))
