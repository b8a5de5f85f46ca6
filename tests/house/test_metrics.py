"""Every metric that the code records is in the catalogue, and nothing in the catalogue is never recorded."""

import ast
from pathlib import Path

import pytest

from backtalk.telemetry import METRICS

ROOT = Path(__file__).parents[2]
CALLS = frozenset(("add", "record", "set"))
PREFIXES = ("backtalk.", "gen_ai.", "http.")


def _recorded(path: Path) -> set[str]:
    """The metric names that stand in a file as text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {text for text in texts if text.startswith(PREFIXES)}


@pytest.mark.parametrize("path", sorted((ROOT / "proxy").rglob("*.py")), ids=str)
def test_metric_recorded_is_in_the_catalogue(path: Path) -> None:
    """Recording an unknown metric would fail at run time; here it fails first."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CALLS
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and node.args[0].value.startswith(PREFIXES)
    }
    assert names <= set(METRICS)


def test_metric_in_the_catalogue_is_recorded_somewhere() -> None:
    """A metric nobody records is a promise nobody keeps."""
    catalogue = ROOT / "proxy" / "backtalk" / "telemetry" / "catalogue.py"
    recorded = {name for path in (ROOT / "proxy").rglob("*.py") if path != catalogue for name in _recorded(path)}
    own = {"backtalk.telemetry.labels_dropped"}

    assert set(METRICS) - own - recorded == set()
