"""`backtalk.open`: what counts, of a period, in the columns that were asked for."""

import re
from pathlib import Path
from typing import Any

import pytest
from arro3.io import write_parquet

import backtalk
from backtalk.errors import RequestError, SetupError
from backtalk.ledger.schema import arrow_table
from backtalk.lineage import keeping
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts

CALL, LATER = stories.closed(), stories.closed(response_id="chatcmpl-2")
TRACE = CALL.key.trace_id
PAGE = Path(__file__).parents[2] / "docs" / "notebooks.md"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Two calls, a signal that a replay withdrew, one that holds, and a thumb that was changed."""
    write_facts(
        tmp_path / "ledger", CALL, LATER,
        stories.signal(CALL.key, LATER.key, signal_id="s1"),
        stories.signal(CALL.key, LATER.key, signal_id="s2"),
        stories.signal(CALL.key, LATER.key, signal_id="s2", replay=1, withdrawn=True),
        stories.feedback(feedback_id="f1", target_trace_id=TRACE, rater="r1"),
        stories.feedback(feedback_id="f2", target_trace_id=TRACE, rater="r1", given_ns=stories.NOON_NS + 9 * 10**9),
    )  # fmt: skip
    manifest = write_dataset(tmp_path / "out", "pairs", [a_row("one", CALL.key, feedback=["f2"])])
    keeping.register_dataset(tmp_path, manifest, actor="ada")
    return tmp_path


def test_what_counts_is_given_unless_everything_is_asked_for(data_dir: Path) -> None:
    """The withdrawn signal and the changed thumb are not, by default."""
    store = backtalk.open(data_dir)
    assert [row["signal_id"] for row in store.signals(columns=["signal_id"]).rows()] == ["s1"]
    assert len(store.signals(everything=True)) == 3
    (said,) = store.feedback(columns=["feedback_id", "state", "call_trace_id"]).rows()
    assert said == {"feedback_id": "f2", "state": "counts", "call_trace_id": TRACE}
    states = [row["state"] for row in store.feedback(everything=True).rows()]
    assert states == ["replaced", "counts"]
    assert len(store.calls()) == 2


@pytest.mark.parametrize(
    ("period", "count"),
    [
        ({"since": "2026-01-01", "until": "2026-01-02"}, 2),
        ({"since": "2026-01-02"}, 0),
        ({"until": "2026-01-01T12:00:00+00:00"}, 0),
        ({"since": "2026-01-01T13:00:00+01:00"}, 2),
        ({"since": stories.NOON_NS, "until": stories.NOON_NS + 1}, 2),
    ],
)
def test_a_period_is_given_as_people_write_it(data_dir: Path, period: dict[str, Any], count: int) -> None:
    """Days, seconds with a zone, nanoseconds; the end is not in it."""
    assert len(backtalk.open(str(data_dir)).calls(**period, columns=["trace_id"])) == count


def test_a_dataset_is_read_from_its_parquet_or_its_manifest(data_dir: Path) -> None:
    """By name; what is not registered is refused."""
    store = backtalk.open(f"file://{data_dir}")
    (row,) = store.dataset("pairs").rows()
    assert (row["row"], row["feedback_ids"], row["trace_ids"]) == (0, ["f2"], [TRACE])
    write_parquet(arrow_table({"text": "text"}, [{"text": "one"}]), data_dir / "out" / "rows.parquet")
    files = [{"name": "rows.parquet", "sha256": "0" * 64, "rows": 1}]
    keeping.register_dataset(data_dir, write_dataset(data_dir / "out", "tidy", [a_row("x")], files=files), actor="ada")
    assert store.dataset("tidy").rows() == [{"text": "one"}]
    assert [one["name"] for one in store.datasets()] == ["pairs", "tidy"]
    with pytest.raises(RequestError, match="there are: pairs, tidy"):
        store.dataset("nothing")


def test_what_cannot_be_asked_is_refused(data_dir: Path, tmp_path: Path) -> None:
    """With what is allowed."""
    store = backtalk.open(data_dir)
    with pytest.raises(RequestError, match="there is no column 'mood'; there are dt, "):
        store.calls(columns=["mood"])
    with pytest.raises(RequestError, match="ISO 8601"):
        store.calls(since="yesterday")
    for place in (tmp_path / "nowhere", "s3://bucket/data"):
        with pytest.raises(SetupError):
            backtalk.open(place)


def test_the_page_for_notebooks_runs(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python block that needs no other library, as it stands there."""
    monkeypatch.chdir(data_dir.parent)
    data_dir.rename(data_dir.parent / "backtalk-data")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    known: dict[str, Any] = {}
    for block in blocks:
        exec(block, known)  # noqa: S102 -- the page's own code
    assert known["thumbs"][TRACE] == "false"
