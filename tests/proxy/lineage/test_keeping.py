"""What is said of datasets, runs and names: checked, written down, undone."""

import hashlib
from pathlib import Path

import pytest

from backtalk.errors import RequestError
from backtalk.lineage import keeping
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import DatasetBuilt, ProposalMade, RefSet, RunRegistered
from backtalk.testing.datasets import a_row, write_dataset


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with a dataset."""
    register(tmp_path, "pairs")
    return tmp_path


def register(data_dir: Path, name: str) -> str:
    """Register a dataset and give its id."""
    manifest = write_dataset(data_dir / "out", name, [a_row(name)])
    body = keeping.register_dataset(data_dir, manifest, actor="ada").body
    assert isinstance(body, DatasetBuilt)
    return body.dataset_id


def points(data_dir: Path) -> str:
    """What `production` means now."""
    return Catalogue(LineageLog(data_dir).records()).refs["production"][1].target["route"]


def set_route(data_dir: Path, route: str) -> int:
    """Let `production` mean a route; gives the record's number."""
    return keeping.set_ref(data_dir, "production", {"route": route}, actor="ada", reason="try").number


def back(data_dir: Path, to: int | None = None) -> RefSet:
    """Roll `production` back."""
    body = keeping.roll_back(data_dir, "production", actor="bob", reason="worse", to=to).body
    assert isinstance(body, RefSet)
    return body


def test_a_dataset_is_registered_once(data_dir: Path) -> None:
    """The same manifest under the same name is the same record."""
    assert register(data_dir, "pairs") == register(data_dir, "pairs")
    assert len(LineageLog(data_dir).records()) == 1
    other = keeping.register_dataset(data_dir, data_dir / "out" / "pairs.jsonl", actor="ada", name="again")
    assert other.number == 2


def test_a_dataset_in_the_place_of_another_says_whose_it_was(data_dir: Path) -> None:
    """And one that takes its place back is recorded anew, and is what the name means."""
    said = list[tuple[int, int | None]]()
    for text in ("other", "other", "pairs"):
        manifest = write_dataset(data_dir / "out", "pairs", [a_row(text)])
        record = keeping.register_dataset(data_dir, manifest, actor="ada")
        assert isinstance(record.body, DatasetBuilt)
        said.append((record.number, record.body.replaced))
    assert said == [(2, 1), (2, 1), (3, 2)]
    known = Catalogue(LineageLog(data_dir).records())
    assert [entry.record.number for entry in known.datasets] == [2, 3]
    assert known.dataset("pairs").record.number == 3


def test_a_run_names_its_datasets_by_id_and_its_artefact_by_hash(data_dir: Path) -> None:
    """A file, a directory with its files' names, and what is elsewhere."""
    model = data_dir / "model"
    model.mkdir()
    (model / "weights.bin").write_bytes(b"weights")
    file_hash, folder_hash = keeping.sha256_of(model / "weights.bin"), keeping.sha256_of(model)
    assert file_hash == hashlib.sha256(b"weights").hexdigest()
    body = keeping.register_run(
        data_dir,
        name="tune",
        purpose="training",
        datasets=["pairs"],
        actor="ada",
        artefact=str(model),
        config={"epochs": 3},
        metrics={"loss": 0.5},
    ).body
    assert isinstance(body, RunRegistered)
    assert (body.artefact_sha256, body.dataset_ids) == (folder_hash, (register(data_dir, "pairs"),))
    (model / "weights.bin").rename(model / "other.bin")
    assert keeping.sha256_of(model) != folder_hash
    assert keeping.sha256_of(Path("s3://models/1")) is None


def test_a_run_of_nothing_or_of_something_unknown_is_refused(data_dir: Path) -> None:
    """Nothing is written."""
    for datasets, match in (([], "--dataset"), (["others"], "no dataset is called 'others'; there are: pairs")):
        with pytest.raises(RequestError, match=match):
            keeping.register_run(data_dir, name="tune", purpose="training", datasets=datasets, actor="ada")
    assert len(LineageLog(data_dir).records()) == 1


def test_a_ref_keeps_the_ids_of_what_it_names(data_dir: Path) -> None:
    """A dataset that is built later under the same name changes nothing about it."""
    target = {"eval_dataset": "pairs", "judge_prompt": "strict-2"}
    body = keeping.set_ref(data_dir, "production", target, actor="ada", reason="begin").body
    assert isinstance(body, RefSet)
    assert body.target == {"eval_dataset": register(data_dir, "pairs"), "judge_prompt": "strict-2"}
    with pytest.raises(RequestError, match="no run is called"):
        keeping.set_ref(data_dir, "production", {"run": "pairs"}, actor="ada", reason="begin")


def test_a_rollback_is_one_record_that_says_what_it_replaced(data_dir: Path) -> None:
    """Twice goes back twice; the way stays in the history."""
    first, second, third = (set_route(data_dir, route) for route in ("one", "two", "three"))
    body = back(data_dir)
    assert (points(data_dir), body.replaced, body.rolled_back_to) == ("two", third, second)
    assert back(data_dir).rolled_back_to == first
    assert points(data_dir) == "one"
    assert back(data_dir, to=third).rolled_back_to == third
    assert points(data_dir) == "three"
    assert len(Catalogue(LineageLog(data_dir).records()).history("production")) == 6


def test_forward_after_a_rollback_and_back_again(data_dir: Path) -> None:
    """What was set after a rollback goes back to what the rollback meant."""
    set_route(data_dir, "one")
    set_route(data_dir, "two")
    back(data_dir)
    set_route(data_dir, "three")
    back(data_dir)
    assert points(data_dir) == "one"


def test_there_is_no_way_back_before_the_beginning(data_dir: Path) -> None:
    """The message says which records one can go back to."""
    first = set_route(data_dir, "one")
    with pytest.raises(RequestError, match="cannot go back farther; it was set once"):
        back(data_dir)
    second = set_route(data_dir, "two")
    for wanted in (second, 99):
        with pytest.raises(RequestError, match=f"it can to: {first}$"):
            back(data_dir, to=wanted)
    back(data_dir)
    with pytest.raises(RequestError, match="cannot go back"):
        back(data_dir)


@pytest.mark.parametrize("reason", ["", " ", "a\nb", "x" * 600])
def test_a_reason_is_asked_for(data_dir: Path, reason: str) -> None:
    """It is what the next person reads."""
    with pytest.raises(RequestError, match="--reason"):
        keeping.set_ref(data_dir, "production", {"route": "one"}, actor="ada", reason=reason)
    with pytest.raises(RequestError, match="--reason"):
        keeping.retire_dataset(data_dir, "pairs", actor="ada", reason=reason)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 200])
def test_a_name_that_cannot_be_typed_is_refused(data_dir: Path, name: str) -> None:
    """Names stand in commands and tables; and a name that means nothing is none."""
    with pytest.raises(RequestError, match="name"):
        keeping.set_ref(data_dir, name, {"route": "one"}, actor="ada", reason="begin")
    with pytest.raises(RequestError, match="PART=VALUE"):
        keeping.set_ref(data_dir, "production", {}, actor="ada", reason="begin")


def a_proposal(data_dir: Path, name: str = "p-1234") -> ProposalMade:
    """That `production` means a run that was trained on the dataset."""
    body = keeping.register_run(data_dir, name="tune", purpose="training", datasets=["pairs"], actor="ada").body
    assert isinstance(body, RunRegistered)
    before = Catalogue(LineageLog(data_dir).records()).refs.get("production")
    base = None if before is None else before[0].number
    run = body.run_id
    made = ProposalMade(name, "production", {"model_run": run}, run, run, run, {"gain": 0.2}, "loop/1", base)
    keeping.propose(data_dir, made, actor="loop")
    return made


def test_a_promotion_changes_the_proposed_parts_and_keeps_the_others(data_dir: Path) -> None:
    """It is one record, which names the proposal, and a rollback leads back as from any other."""
    set_route(data_dir, "gold")
    made = a_proposal(data_dir)
    body = keeping.promote(data_dir, "p-1234", actor="bob", reason="better").body
    assert isinstance(body, RefSet)
    assert (body.target, body.proposal) == ({"route": "gold", **made.parts}, "p-1234")
    (found,) = Catalogue(LineageLog(data_dir).records()).proposals
    assert (found.state, found.reason, found.document["decided_by"]) == ("promoted", "better", "bob")
    assert back(data_dir).target == {"route": "gold"}


def test_a_proposal_is_made_once_and_decided_once(data_dir: Path) -> None:
    """What was decided stays so, in either way."""
    made = a_proposal(data_dir)
    count = len(LineageLog(data_dir).records())
    assert keeping.propose(data_dir, made, actor="loop").number == count
    assert len(LineageLog(data_dir).records()) == count
    keeping.reject(data_dir, "loop/1", actor="bob", reason="too dear")
    for decide in (keeping.promote, keeping.reject):
        with pytest.raises(RequestError, match="was rejected in record"):
            decide(data_dir, "p-1234", actor="bob", reason="again")


def test_a_proposal_about_a_name_that_was_set_since_is_refused(data_dir: Path) -> None:
    """What was measured then says nothing of what is in use now."""
    a_proposal(data_dir)
    set_route(data_dir, "silver")
    with pytest.raises(RequestError, match="was set since"):
        keeping.promote(data_dir, "p-1234", actor="bob", reason="better")
    assert Catalogue(LineageLog(data_dir).records()).proposal("p-12").state == "open"


def test_a_proposal_names_runs_that_exist(data_dir: Path) -> None:
    """One about nothing is refused."""
    with pytest.raises(RequestError, match="no run is"):
        keeping.propose(data_dir, ProposalMade("p-1", "production", {}, "r", "r", "r", {}), actor="loop")
