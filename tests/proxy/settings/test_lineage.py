"""The section of lineage: nothing leaves until somebody says where to."""

import pytest

from backtalk.errors import SetupError
from backtalk.settings import load
from backtalk.settings.lineage import LineageSettings


def test_nothing_leaves_until_an_exporter_is_named() -> None:
    """By a variable, with commas."""
    assert LineageSettings().exporters == ()
    found = load({"BACKTALK_LINEAGE_EXPORTERS": "openlineage, mlflow"}).lineage
    assert found.exporters == ("openlineage", "mlflow")


def test_a_build_waits_for_a_bounded_time() -> None:
    """Ten seconds unless told otherwise, and never for ever."""
    assert LineageSettings().export_deadline_s == 10
    with pytest.raises(SetupError, match="export_deadline_s"):
        load({"BACKTALK_LINEAGE_EXPORT_DEADLINE_S": "601"})
