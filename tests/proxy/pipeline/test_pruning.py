"""The disk stays bounded."""

from pathlib import Path
from typing import cast

import pytest

from backtalk.lineage import keeping
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import DatasetBuilt, RunRegistered
from backtalk.lineage.verify import verify
from backtalk.pipeline import state_log
from backtalk.pipeline.events import Ended, StepFinished
from backtalk.pipeline.folders import Home, home
from backtalk.pipeline.pruning import prune
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.pipelines import began


class Past:
    """Runs that ended, each with a dataset, an artefact and a training run."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.home: Home = home(data_dir, "support")
        self.runs: list[str] = []

    def add(self, number: int, *, text: str | None = None) -> Path:
        """One more run; gives its folder."""
        run_id = f"202601{number:02d}t120000000z-abcdef"
        folder = self.home.runs / run_id
        manifest = write_dataset(folder / "datasets" / "support", "pairs", [a_row(text or f"row {number}")])
        built = keeping.register_dataset(self.data_dir, manifest, actor="ada", name="support").body
        dataset_id = cast("DatasetBuilt", built).dataset_id
        (folder / "artefact").mkdir()
        (folder / "artefact" / "weights.bin").write_bytes(b"x" * 1_000)
        run = keeping.register_run(
            self.data_dir, name=run_id, purpose="training", datasets=[dataset_id], actor="ada"
        ).body
        self.runs.append(cast("RunRegistered", run).run_id)
        state_log.append(folder, began(run_id))
        for step, outputs in (
            ("dataset", {"dataset_id": dataset_id}),
            ("train", {"artefact": str(folder / "artefact")}),
            ("register", {"run": self.runs[-1]}),
        ):
            state_log.append(folder, StepFinished(2, step, outputs))
        state_log.append(folder, Ended(3, "no_proposal", "worse"))
        return folder

    @property
    def retired(self) -> list[bool]:
        """Of each dataset, whether it is retired."""
        return [one.retired is not None for one in Catalogue(LineageLog(self.data_dir).records()).datasets]


@pytest.fixture
def past(tmp_path: Path) -> Past:
    """A data directory without runs."""
    return Past(tmp_path)


def test_the_files_of_old_runs_go_and_their_datasets_retire(past: Past) -> None:
    """What they were stays in the log and in lineage, which misses nothing."""
    folders = [past.add(number) for number in (1, 2, 3)]
    assert prune(past.data_dir, past.home, 1) > 2_000
    assert [(folder / "artefact").exists() for folder in folders] == [False, False, True]
    assert past.retired == [True, True, False]
    assert [one.pruned for one in state_log.states(past.home)] == [True, True, False]
    assert verify(past.data_dir).findings == ()
    assert prune(past.data_dir, past.home, 1) == 0


def test_what_a_name_means_stays(past: Past) -> None:
    """Until it means something else."""
    folder = past.add(1)
    past.add(2)
    keeping.set_ref(past.data_dir, "production", {"model_run": past.runs[0]}, actor="ada", reason="best")
    assert prune(past.data_dir, past.home, 1) == 0
    keeping.set_ref(past.data_dir, "production", {"model_run": past.runs[1]}, actor="ada", reason="better")
    assert prune(past.data_dir, past.home, 1) > 0
    assert not (folder / "artefact").exists()


def test_a_dataset_that_a_kept_run_stands_on_stays(past: Past) -> None:
    """Two runs from one ledger have one dataset, whose files lie with the first."""
    first, _ = past.add(1, text="same"), past.add(2, text="same")
    assert prune(past.data_dir, past.home, 1) > 0
    assert ((first / "datasets" / "support").exists(), (first / "artefact").exists()) == (True, False)
    assert not any(past.retired)


def test_a_run_that_is_not_over_stays(past: Past) -> None:
    """It is to go on."""
    folder = past.add(1)
    past.add(2)
    log = folder / state_log.FILE
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    assert prune(past.data_dir, past.home, 1) == 0
