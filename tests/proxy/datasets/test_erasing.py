"""A person's rows leave every registered dataset: new versions, an honest record, a list of what is out of reach."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from backtalk.datasets import erasing
from backtalk.datasets.build import build, build_file, hidden_name
from backtalk.datasets.recipe import load_recipe
from backtalk.errors import StoreError
from backtalk.lineage import builds, keeping
from backtalk.lineage.catalogue import Catalogue, Entry
from backtalk.lineage.log import LineageLog
from backtalk.lineage.verify import verify
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts

CANARY: Final = "Kanarienvogel"
ORDER: Final = erasing.Order("0123456789abcdef", frozenset(), frozenset(("f-0",)))


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with two corrections, and a dataset `pairs` of them."""
    facts: list[Any] = []
    for number, text in enumerate((f"What does {CANARY} eat?", "Why is the sky blue?")):
        call = stories.closed(call=stories.opened(asked=text))
        target = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
        said = {"value_json": json.dumps(f"{text} Thus."), "feedback_id": f"f-{number}"}
        facts += [call, stories.feedback(kind="correction", **said, **target)]
    write_facts(tmp_path / "ledger", *facts)
    add(tmp_path, "pairs")
    return tmp_path


def add(data_dir: Path, name: str) -> Path:
    """Build and register a dataset."""
    folder = build(data_dir / "ledger", load_recipe("dpo"), data_dir / "out" / name).folder
    keeping.register_dataset(data_dir, folder, actor="ada", name=name)
    return folder


def add_file(data_dir: Path, name: str) -> Path:
    """Build and register a single file."""
    file = data_dir / "out" / f"{name}.jsonl"
    build_file(data_dir / "ledger", load_recipe("dpo"), file)
    keeping.register_dataset(data_dir, file, actor="ada", name=name)
    return file


def datasets(data_dir: Path) -> list[Entry]:
    """What is registered."""
    return list(Catalogue(LineageLog(data_dir).records()).datasets)


def holding(data_dir: Path) -> list[str]:
    """The files of datasets with the canary."""
    files = [path for path in (data_dir / "out").rglob("*") if path.is_file()]
    return [str(path) for path in files if CANARY.encode() in path.read_bytes()]


def test_the_old_version_is_gone_and_the_record_says_what_replaced_it(data_dir: Path) -> None:
    """The old entry and its manifest stay; the name means the new one, a ref still the old one."""
    keeping.set_ref(data_dir, "production", {"dataset": "pairs"}, actor="ada", reason="first")
    assert holding(data_dir)
    assert erasing.erase(data_dir, ORDER)[:3] == (1, 1, ())
    assert holding(data_dir) == []
    old, new = datasets(data_dir)
    assert (new.built.erased_rows, new.built.rows, new.built.name) == (1, 1, "pairs")
    assert new.built.previous == old.built.manifest_sha256
    assert (old.document["erased_by"], old.document["replaced_by"]) == (ORDER.id, new.built.dataset_id)
    assert (new.retired, new.erased) == (None, None)
    known = Catalogue(LineageLog(data_dir).records())
    target = known.refs["production"][1].target
    assert target == {"dataset": old.built.dataset_id}
    assert known.erased_in(target)[old.built.dataset_id]["replaced_by"] == new.built.dataset_id
    assert verify(data_dir).findings == ()


def test_a_repeat_changes_nothing(data_dir: Path) -> None:
    """The same is told, and no record comes."""
    first = erasing.erase(data_dir, ORDER)
    records = LineageLog(data_dir).lines()
    assert erasing.erase(data_dir, ORDER) == first
    assert LineageLog(data_dir).lines() == records


class _Killed(BaseException):
    """The end of a life."""


def _points() -> Iterator[tuple[str, str, bool]]:
    for module, name in (("erasing", "rewrite"), ("keeping", "register_dataset"), ("keeping", "mark_erased")):
        yield from ((module, name, behind) for behind in (False, True))


@pytest.mark.parametrize(("module", "name", "behind"), list(_points()))
def test_a_kill_at_any_step_is_made_good(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str, behind: bool
) -> None:
    """Before and behind each step; two versions at the end, no more, and a lineage that is whole in between too."""
    owner: Any = {"erasing": erasing, "keeping": keeping}[module]
    real = getattr(owner, name)

    def dies(*arguments: Any, **named: Any) -> None:
        if behind:
            real(*arguments, **named)
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, dies)
        with pytest.raises(_Killed):
            erasing.erase(data_dir, ORDER)
    assert verify(data_dir).findings == ()
    assert erasing.erase(data_dir, ORDER)[:3] == (1, 1, ())
    assert holding(data_dir) == []
    assert len(datasets(data_dir)) == 2
    assert verify(data_dir).findings == ()


def test_a_second_order_erases_the_version_that_the_first_made(data_dir: Path) -> None:
    """A chain of three versions, of which one has files."""
    erasing.erase(data_dir, ORDER)
    second = erasing.Order("fedcba9876543210", frozenset(), frozenset(("f-1",)))
    assert erasing.erase(data_dir, second)[:3] == (1, 1, ())
    one, two, three = datasets(data_dir)
    assert (one.document["erased_by"], two.document["erased_by"]) == (ORDER.id, second.id)
    assert (three.built.rows, three.built.previous) == (0, two.built.manifest_sha256)
    assert sorted(path.name for path in (data_dir / "out").rglob("*.parquet")) == ["part-00000.parquet"]


def test_rows_are_found_by_their_calls_too(data_dir: Path) -> None:
    """A user's calls name the rows; others are not touched."""
    (row,) = [one for one in _rows(data_dir) if "f-0" in one["feedback_ids"]]
    spans = frozenset(call["span_id"] for call in row["calls"])
    assert erasing.erase(data_dir, erasing.Order("0" * 16, frozenset(("f" * 16,)), frozenset()))[:3] == (0, 0, ())
    assert erasing.erase(data_dir, erasing.Order(ORDER.id, spans, frozenset()))[:3] == (1, 1, ())
    assert holding(data_dir) == []


def _rows(data_dir: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((data_dir / "out" / "pairs" / "manifest.json").read_bytes())["rows"]
    return found


def test_retired_datasets_are_erased_and_stay_retired(data_dir: Path) -> None:
    """Nobody uses them, but they can be read."""
    keeping.retire_dataset(data_dir, "pairs", actor="ada", reason="old")
    erasing.erase(data_dir, ORDER)
    assert holding(data_dir) == []
    assert datasets(data_dir)[-1].retired == "old"


def test_what_is_out_of_reach_is_listed(data_dir: Path) -> None:
    """Files and folders that were moved or changed, datasets of others, and what lies beside the files of a build."""
    foreign = write_dataset(data_dir / "o", "x", [a_row("text", feedback=["f-0"])])
    keeping.register_dataset(data_dir, foreign, actor="ada")
    gone, changed = (add_file(data_dir, name) for name in ("gone", "changed"))
    gone.unlink()
    changed.write_text("{}\n{}\n")
    moved = add(data_dir, "moved")
    moved.rename(data_dir / "elsewhere")
    notes = data_dir / "out" / "pairs" / "notes.txt"
    notes.write_text("mine")
    found = erasing.erase(data_dir, ORDER)
    assert set(found.not_reached) == {
        f"{gone}.manifest.json",
        f"{changed}.manifest.json",
        str(foreign),
        str(moved / "manifest.json"),
        str(notes),
    }
    assert found.datasets == 1
    assert (changed.exists(), notes.exists()) == (True, True)


def test_a_single_file_has_a_new_version_too(data_dir: Path) -> None:
    """Beside the old one, which is deleted; in between a kill costs a repeat."""
    single = add_file(data_dir, "single")
    for _ in range(2):
        assert erasing.erase(data_dir, ORDER)[:3] == (2, 2, ())
    assert holding(data_dir) == []
    assert not single.exists()
    new = next(one.built for one in reversed(datasets(data_dir)) if one.built.name == "single")
    assert (new.rows, new.erased_rows) == (1, 1)
    assert (Path(new.manifest).parent / new.files[0].path).read_text().count("blue") > 0
    assert verify(data_dir).findings == ()


def test_runs_that_used_the_rows_are_named(data_dir: Path) -> None:
    """Nobody unlearns: by the first order and by any later one about the same version; others are not named."""
    keeping.register_run(data_dir, name="tune", purpose="training", datasets=["pairs"], actor="ada")
    first = erasing.erase(data_dir, ORDER).trained
    assert [(one.name, one.purpose) for one in first] == [("tune", "training")]
    second = erasing.Order("fedcba9876543210", frozenset(), frozenset(("f-1",)))
    assert erasing.erase(data_dir, second).trained == first
    assert erasing.erase(data_dir, erasing.Order("0" * 16, frozenset(), frozenset(("f-9",)))).trained == ()


def _dies_behind(data_dir: Path, out: Path, one: builds.Announced) -> None:
    build(data_dir / "ledger", load_recipe("dpo"), out, ready=one.complete)
    raise _Killed


def test_what_a_killed_build_had_put_in_place_is_erased_too(data_dir: Path) -> None:
    """It had not come to register it."""
    out = data_dir / "out" / "late"
    announced = builds.Build(str(out), hidden_name(out), is_file=False, actor="ada", pid=1)
    with pytest.raises(_Killed), builds.announced(data_dir, announced) as one:
        _dies_behind(data_dir, out, one)
    assert erasing.erase(data_dir, ORDER)[:3] == (1, 1, ())
    assert {one.built.name for one in datasets(data_dir) if one.built.erased_rows} == {"pairs", "late"}
    assert holding(data_dir) == []


def test_a_manifest_that_leads_out_of_its_folder_deletes_nothing(data_dir: Path) -> None:
    """Anybody's manifest may be registered."""
    victim = data_dir / "victim.parquet"
    victim.write_text("others'")
    entry = {"name": "../../victim.parquet", "sha256": "0" * 64, "rows": 1}
    made = write_dataset(data_dir / "out" / "evil", "x", [a_row("text", feedback=["f-0"])], file=entry)
    made = made.rename(made.with_name("manifest.json"))
    keeping.register_dataset(data_dir, made, actor="eve")
    assert str(made) in erasing.erase(data_dir, ORDER).not_reached
    assert victim.read_text() == "others'"


def test_a_link_that_leads_out_of_its_folder_deletes_nothing(data_dir: Path) -> None:
    """A dataset that came from elsewhere may have any; it is listed, and what it leads to stays."""
    folder, victim = data_dir / "out" / "pairs", data_dir / "victim"
    (folder / "rows").rename(victim)
    (folder / "rows").symlink_to(victim)
    found = erasing.erase(data_dir, ORDER)
    assert found[:3] == (0, 0, (str(folder / "manifest.json"),))
    assert list(victim.iterdir())


@pytest.mark.parametrize("split", ["../../../victim", "/victim", "a/b", "train\n"])
def test_a_split_that_no_recipe_may_name_writes_nothing(data_dir: Path, split: str) -> None:
    """Its name is a part of the name of a file."""
    folder = shutil.copytree(data_dir / "out" / "pairs", data_dir / "other")
    said = json.loads((folder / "manifest.json").read_bytes())
    said["recipe"]["shares"] = {split: 1.0}
    (folder / "manifest.json").write_text(json.dumps(said))
    keeping.register_dataset(data_dir, folder, actor="ada", name="other")
    before = {path for path in data_dir.parent.rglob("*") if "victim" in path.name}
    assert str(folder / "manifest.json") in erasing.erase(data_dir, ORDER).not_reached
    assert {path for path in data_dir.parent.rglob("*") if "victim" in path.name} == before


def test_a_folder_that_another_dataset_took_is_not_touched(data_dir: Path) -> None:
    """Registered or not: the rows of the one before are gone from there, and its numbers say nothing of the other."""
    folder = data_dir / "out" / "pairs"
    other = build(data_dir / "ledger", load_recipe("dpo"), data_dir / "other", previous=folder).folder
    shutil.rmtree(folder)
    other.rename(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert erasing.erase(data_dir, ORDER)[:3] == (0, 0, (str(folder / "manifest.json"),))
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    keeping.register_dataset(data_dir, folder, actor="ada", name="pairs")
    assert erasing.erase(data_dir, ORDER)[:3] == (1, 1, ())
    assert holding(data_dir) == []


def test_a_damaged_log_holds_the_erasure_up(data_dir: Path) -> None:
    """It cannot be said which datasets there are, so it is tried again until somebody looked."""
    path = LineageLog(data_dir).path
    path.write_bytes(path.read_bytes().replace(b"ada", b"eve"))
    with pytest.raises(StoreError):
        erasing.erase(data_dir, ORDER)
    assert holding(data_dir)
