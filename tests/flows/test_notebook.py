"""The docs' notebook is executed on a ledger; what `backtalk.open` gives as Ibis is what it gives as Arrow."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from click.testing import CliRunner

from backtalk.cli import main
from backtalk.clock import NS_PER_S
from backtalk.model.facts import CallClosed, Fact
from backtalk.quality.intervals import wilson
from backtalk.settings import bare_environ
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

ROOT: Final = Path(__file__).parents[2]
NOTEBOOK: Final = ROOT / "docs/notebooks/quality.ipynb"
PYTHON: Final = ROOT / ".venvs/notebook/bin/python"
DAYS: Final = ("2026-01-01", "2026-01-02", "2026-01-03")
UP: Final = {
    ("small", 0): (3, 4),
    ("small", 1): (1, 4),
    ("small", 2): (0, 0),
    ("large", 0): (4, 5),
    ("large", 1): (5, 5),
}
"""Thumbs up of how many, by model and day; each model has one call more that nobody rated, every day."""
WORDS: Final = str.maketrans("0123456789", "ghi klm op")
"""Words of nothing that stands for a number, and of which no two are near each other."""
EXECUTE: Final = """
import sys, nbformat
from nbclient import NotebookClient
source, out = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
probe = '''
import json
frames = {"by_day": by_day, "by_kind": by_kind, "converted": converted, "balance": balance.stack().reset_index()}
print(json.dumps({name: json.loads(frame.to_json(orient="records")) for name, frame in frames.items()}))
'''
notebook.cells.append(nbformat.v4.new_code_cell(probe))
NotebookClient(notebook, timeout=200, resources={"metadata": {"path": "."}}).execute()
nbformat.write(notebook, out)
"""
COMPARE: Final = """
import sys, backtalk
store = backtalk.open(sys.argv[1])
def rows(found):
    return sorted(map(repr, found))
asked = [
    store.calls(), store.calls(since="2026-01-02", until="2026-01-03", columns=["span_id", "model", "dt"]),
    store.signals(), store.signals(everything=True), store.signals(since="2026-01-01T12:00:02", columns=["signal_id"]),
    store.feedback(), store.dataset("judged"),
]
for frame in asked:
    expression = frame.ibis()
    assert tuple(expression.columns) == frame.columns, (expression.columns, frame.columns)
    found = expression.to_pyarrow().to_pylist()
    assert found and rows(found) == rows(frame.rows()), frame
    assert len(frame.pandas()) == len(found)
calls, said = store.calls().ibis(), store.feedback().ibis()
joined = calls.join(said, calls.span_id == said.call_span_id)
print(len(asked), joined.count().execute())
"""

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calls of two models on three days, thumbs, signals of which one was withdrawn, and a dataset of the thumbs."""
    if not (PYTHON.parents[1] / ".ready").exists():
        pytest.skip("there is no environment for it: run `make .venvs/notebook/.ready`")
    place = tmp_path_factory.mktemp("notebook") / "it's a place" / "backtalk-data"
    write_facts(place / "ledger", *_facts())
    build = ["dataset", "build", "kto", "--data-dir", str(place), "--out", str(place / "judged")]
    built = CliRunner().invoke(main, build)
    assert built.exit_code == 0, built.output
    return place


def test_notebook_shows_the_ledgers_figures(data_dir: Path, tmp_path: Path) -> None:
    """Every cell runs without a warning, draws its chart, and holds the figures that the facts have."""
    _run(EXECUTE, data_dir, str(NOTEBOOK), str(tmp_path / "executed.ipynb"))
    cells = json.loads((tmp_path / "executed.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 4
    found: dict[str, list[dict[str, Any]]] = json.loads("".join(outputs[-1]["text"]))
    assert [(day["dt"], day["model"], day["calls"], day["up"], day["rated"]) for day in found["by_day"]] == [
        (DAYS[day], model, rated + 1, up, rated)
        for day in range(3)
        for model in ("large", "small")
        for up, rated in (UP.get((model, day), (0, 0)),)
    ]
    assert [(day["share"], day["low"]) for day in found["by_day"]] == [
        (pytest.approx(wilson(day["up"], day["rated"]).value), pytest.approx(wilson(day["up"], day["rated"]).low))
        for day in found["by_day"]
    ]
    assert found["by_kind"] == [
        {"kind": "stop", "found": 1, "expected": 0.5},
        {"kind": "regeneration", "found": 2, "expected": 1.8},
    ]
    thumbs = sum(rated for _, rated in UP.values())
    rating = next(one for one in found["converted"] if one["kind"] == "rating")
    undecided = 2  # both thumbs up of which the answer was asked for again
    assert (rating["count"], rating["converted"]) == (thumbs, thumbs - undecided)
    assert sum(one["0"] for one in found["balance"]) == thumbs - undecided


def test_expressions_give_what_arrow_gives(data_dir: Path) -> None:
    """Calls and signals are read by DuckDB when they are executed; what was judged or built is joined to them."""
    assert _run(COMPARE, data_dir, str(data_dir)).split() == ["7", "18"]


def _run(script: str, data_dir: Path, *arguments: str) -> str:
    own = {"PYTHONPATH": f"{ROOT / 'proxy'}:{ROOT / 'plugins'}", "HOME": str(data_dir.parent)}
    environ = {**bare_environ(), **own}
    command = [str(PYTHON), "-c", script, *arguments]
    done = subprocess.run(
        command, cwd=data_dir.parent, capture_output=True, text=True, timeout=280, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def _facts() -> list[Fact]:
    made: list[Fact] = []
    for day in range(3):
        for model in ("small", "large"):
            up, rated = UP.get((model, day), (0, 0))
            calls = [_call(model, day, number) for number in range(rated + 1)]
            made += calls
            made += [_thumb(call, number < up) for number, call in enumerate(calls[:rated])]
    first, second, third = [fact for fact in made if isinstance(fact, CallClosed)][:3]
    gone = stories.signal(second.key, third.key, kind="stop", probability=0.5)
    return [
        *made,
        stories.signal(first.key, second.key),
        stories.signal(third.key, second.key),
        gone,
        stories.signal(first.key, third.key, kind="stop", probability=0.5),
        msgspec.structs.replace(gone, replay=1, withdrawn=True),
    ]


def _call(model: str, day: int, number: int) -> CallClosed:
    at_ns = stories.NOON_NS + (day * 86_400 + number) * NS_PER_S
    words = hashlib.sha256(f"{model} {day} {number}".encode()).hexdigest().translate(WORDS)
    call = stories.opened(asked=f"What of {words[:32]}?", opened_ns=at_ns)
    call = msgspec.structs.replace(call, request=msgspec.structs.replace(call.request, model=model))
    return stories.closed(call=call, answered=f"It is {words[32:]}.", response_id=call.span_id, closed_ns=at_ns + 1)


def _thumb(call: CallClosed, up: bool) -> Fact:
    value = "true" if up else "false"
    return stories.feedback(target_trace_id=call.key.trace_id, value_json=value, given_ns=call.closed_ns + NS_PER_S)
