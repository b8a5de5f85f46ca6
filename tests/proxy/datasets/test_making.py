"""A dataset is announced before it reads, and registered when it is there."""

from pathlib import Path

import msgspec
import pytest

from backtalk.datasets.build import hidden_name
from backtalk.datasets.making import make
from backtalk.datasets.recipe import load_recipe
from backtalk.errors import SetupError
from backtalk.lineage import builds
from backtalk.lineage.builds import Build
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with one correction."""
    call = stories.closed(call=stories.opened(asked="Why is the sky blue?"))
    target = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
    write_facts(tmp_path / "ledger", call, stories.feedback(kind="correction", value_json='"So."', **target))
    return tmp_path


@pytest.mark.parametrize("name", ["pairs", "pairs.jsonl"])
def test_it_is_announced_while_it_is_built(data_dir: Path, name: str) -> None:
    """With the folder in which its texts lie; nothing is left of that behind it."""
    seen: list[int] = []

    def told(_what: str, _done: int, _total: int) -> None:
        seen.append(len(builds.running(data_dir)))

    made = make(data_dir, load_recipe("dpo"), data_dir / name, actor="ada", progress=told)
    assert set(seen) == {1}
    assert made.built.document["row_count"] == 1
    assert [one.built.name for one in Catalogue(LineageLog(data_dir).records()).datasets] == ["pairs"]
    assert (builds.running(data_dir), list((data_dir / "builds").iterdir())) == (frozenset(), [])


def test_what_a_killed_build_left_goes_with_the_next_one(data_dir: Path) -> None:
    """Its texts would lie there for ever."""
    out = data_dir / "half"
    hidden = out.with_name(hidden_name(out))
    hidden.mkdir()
    (hidden / "scratch.sqlite").write_text("texts")
    left = data_dir / "builds" / "0123.jsonl"
    left.parent.mkdir()
    left.write_text(
        f'{{"out": "{out}", "hidden": "{hidden.name}", "is_file": false, "actor": "ada", "pid": 1}}\n', encoding="utf-8"
    )
    make(data_dir, load_recipe("dpo"), data_dir / "pairs", actor="ada")
    assert not hidden.exists()


def test_one_that_cannot_be_built_is_announced_no_more(data_dir: Path) -> None:
    """Nor registered."""
    (data_dir / "pairs").mkdir()
    with pytest.raises(SetupError):
        make(data_dir, load_recipe("dpo"), data_dir / "pairs", actor="ada")
    assert list((data_dir / "builds").iterdir()) == []
    assert LineageLog(data_dir).lines() == []


def test_an_announcement_names_absolute_places(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever puts it right stands elsewhere."""
    monkeypatch.chdir(data_dir)
    seen: list[str] = []

    def told(_what: str, _done: int, _total: int) -> None:
        (announcement,) = (data_dir / "builds").iterdir()
        seen.append(msgspec.json.decode(announcement.read_bytes(), type=Build).out)

    make(data_dir, load_recipe("dpo"), Path("pairs"), actor="ada", progress=told)
    assert set(seen) == {str(data_dir / "pairs")}
