"""What killed builds leave: half a build goes, a whole one is registered, what others put there is not touched."""

from pathlib import Path

import msgspec
import pytest

from backtalk.datasets.build import build, build_file, hidden_name
from backtalk.datasets.manifest import beside
from backtalk.datasets.recipe import load_recipe
from backtalk.datasets.sweeping import sweep
from backtalk.lineage import builds
from backtalk.lineage.builds import Build
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.lineage.verify import verify
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts


def _removes_nothing(*_given: object, **_named: object) -> None:
    """As where it may not."""


class _Killed(BaseException):
    """The end of a life."""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with one correction."""
    call = stories.closed(call=stories.opened(asked="Why is the sky blue?"))
    target = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
    write_facts(tmp_path / "ledger", call, stories.feedback(kind="correction", value_json='"So."', **target))
    return tmp_path


def registered(data_dir: Path) -> list[str]:
    """The names of datasets."""
    return [one.built.name for one in Catalogue(LineageLog(data_dir).records()).datasets]


def killed(data_dir: Path, out: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """Build until a point, and leave all as a kill would."""
    real = getattr(Path, at)

    def dies(self: Path, target: Path) -> Path:
        if self.name in ("manifest.json", hidden_name(out)):
            raise _Killed
        found: Path = real(self, target)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Path, at, dies)
        patched.setattr("backtalk.datasets.build.shutil.rmtree", _removes_nothing)
        with pytest.raises(_Killed):
            announced_build(data_dir, out)


def announced_build(data_dir: Path, out: Path) -> None:
    """Build, and end before the record."""
    is_file = out.suffix == ".jsonl"
    with builds.announced(data_dir, Build(str(out), hidden_name(out), is_file, "ada", 1)) as announced:
        (build_file if is_file else build)(data_dir / "ledger", load_recipe("dpo"), out, ready=announced.complete)
        raise _Killed


def test_a_folder_that_was_not_put_in_place_goes(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody was told that it is there."""
    out = data_dir / "pairs"
    killed(data_dir, out, monkeypatch, "rename")
    assert out.with_name(hidden_name(out)).exists()
    assert sweep(data_dir) == ()
    assert not out.with_name(hidden_name(out)).exists()
    assert registered(data_dir) == []


def test_a_file_that_was_put_in_place_without_its_manifest_gets_it(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows would lead nowhere otherwise."""
    out = data_dir / "pairs.jsonl"
    killed(data_dir, out, monkeypatch, "replace")
    assert (out.exists(), beside(out).exists()) == (True, False)
    assert sweep(data_dir) == ()
    assert registered(data_dir) == ["pairs"]
    assert verify(data_dir).findings == ()
    assert not out.with_name(hidden_name(out)).exists()


def test_a_file_that_somebody_wrote_over_keeps_no_manifest_of_another(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not what the build had put there."""
    out = data_dir / "pairs.jsonl"
    killed(data_dir, out, monkeypatch, "replace")
    out.write_text("mine")
    assert sweep(data_dir) == ()
    assert (out.read_text(), beside(out).exists(), registered(data_dir)) == ("mine", False, [])


@pytest.mark.parametrize("name", ["pairs", "pairs.jsonl"])
def test_what_is_whole_and_in_place_is_registered_once(data_dir: Path, name: str) -> None:
    """The kill came before the record."""
    out = data_dir / name
    with pytest.raises(_Killed):
        announced_build(data_dir, out)
    assert registered(data_dir) == []
    sweep(data_dir)
    sweep(data_dir)
    assert registered(data_dir) == ["pairs"]


def test_what_cannot_be_removed_is_named_and_tried_again(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that belongs to somebody else."""
    out = data_dir / "pairs"
    killed(data_dir, out, monkeypatch, "rename")
    hidden = out.with_name(hidden_name(out))
    with monkeypatch.context() as patched:
        patched.setattr("backtalk.datasets.sweeping.shutil.rmtree", _removes_nothing)
        assert sweep(data_dir) == (str(hidden),)
    assert sweep(data_dir) == ()
    assert not hidden.exists()


@pytest.mark.parametrize("hidden", ["..", "precious", ".git", ".other.1.tmp", ""])
def test_a_folder_that_no_build_names_so_is_not_deleted(data_dir: Path, hidden: str) -> None:
    """An announcement in a data directory that came from elsewhere may say anything."""
    for name in ("precious", ".git", ".other.1.tmp"):
        (data_dir / "sets" / name).mkdir(parents=True)
    said = Build(str(data_dir / "sets" / "pairs"), hidden, is_file=False, actor="ada", pid=1)
    (data_dir / "builds").mkdir()
    (data_dir / "builds" / "a.jsonl").write_bytes(msgspec.json.encode(said) + b"\n")
    assert sweep(data_dir) == ()
    assert len(list((data_dir / "sets").iterdir())) == 3
