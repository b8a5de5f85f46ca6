"""A pipeline's run, from open gates to a proposal, through kills."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from backtalk.errors import BacktalkError, RequestError, SetupError
from backtalk.evaluation.scores import Scores
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import DatasetBuilt, ProposalMade, RunRegistered
from backtalk.model.facts import Fact, JournalEntry
from backtalk.model.meter import NoMeter
from backtalk.pipeline import state_log, triggers
from backtalk.pipeline.definition import load_pipeline
from backtalk.pipeline.events import RunState, StepFinished
from backtalk.pipeline.folders import Home, home
from backtalk.pipeline.measuring import Measure
from backtalk.pipeline.running import STEPS, Asked, Done, abandon, alone, make_known, run, verdict_of
from backtalk.pipeline.work import Say
from backtalk.plugin import TrainingFailedError
from backtalk.settings import plain_environ
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.pipelines import CURRENT, corrected_calls, measured, silent, trained_text
from backtalk.testing.provider import Provider, running_provider
from backtalk.testing.waiting import wait_until

EFFECTS: Final = (
    "support-evaluation (", "support (", "trained tuned", " training, record", "of current, record",
    "of candidate, record", "proposal ", "step tell",
)  # fmt: skip
"""What a step says when it has done something, and has not written down yet that it is done."""


class KilledError(BaseException):
    """What a kill is in process: nothing catches it."""


class Place:
    """A data directory with a ledger, and the file of a pipeline."""

    def __init__(self, root: Path, provider: Provider, trainers: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.data_dir = root / "data"
        self.file = root / "support.toml"
        self.trainings = root / "trainings"
        self.provider = provider
        self.trainers = trainers
        self.write()

    def write(self, top: str = "", tables: str = "", **lines: str) -> None:
        """Write the pipeline's file."""
        self.file.write_text(trained_text(self.provider.url, self.trainings, top, tables, **lines))

    def learn(self, *facts: Fact) -> None:
        """Commit facts."""
        ledger = Ledger(self.data_dir / "ledger", "journal-1", rows=Rows(b"secret"))
        ledger.commit([(ledger.committed + 100, JournalEntry(facts))])
        ledger.close()

    def run(self, *, force: bool = False, say: Say = silent, measure: Measure = measured) -> Done:
        """Run the pipeline in this process."""
        return run(
            self.data_dir, load_pipeline(self.file), Asked("ada", force, measure=measure), metrics=NoMeter(), say=say
        )

    def process(self) -> "subprocess.Popen[str]":
        """Run the pipeline as a process of its own."""
        words = ["backtalk.testing.pipelines", str(self.file), str(self.data_dir)]
        return subprocess.Popen(
            [sys.executable, "-m", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=plain_environ() | {"PYTHONPATH": str(self.trainers)}, start_new_session=True,
        )  # fmt: skip

    @property
    def home(self) -> Home:
        """The pipeline's folder."""
        return home(self.data_dir, "support")

    @property
    def states(self) -> list[RunState]:
        """All runs."""
        return state_log.states(self.home)

    @property
    def catalogue(self) -> Catalogue:
        """What lineage says."""
        return Catalogue(LineageLog(self.data_dir).records())


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A model in use that knows nothing; every other one echoes the question, which is the right answer here."""
    with running_provider() as running:
        running.models[CURRENT] = Behaviour(text="I do not know.")
        yield running


@pytest.fixture
def place(tmp_path: Path, provider: Provider, trainers: Path) -> Place:
    """Forty corrected calls, and a pipeline that wants ten facts."""
    made = Place(tmp_path, provider, trainers)
    made.learn(*corrected_calls(40))
    return made


def is_whole(place: Place) -> None:
    """Assert that one run was made, and everything in it once."""
    (found,) = place.states
    assert found.state(at_work=False) == "proposed"
    finished = Counter(e.step for e in state_log.read(place.home.runs / found.run_id) if isinstance(e, StepFinished))
    assert finished == dict.fromkeys(STEPS, 1)
    kinds = Counter(type(record.body) for record in LineageLog(place.data_dir).records())
    assert kinds == {DatasetBuilt: 2, RunRegistered: 3, ProposalMade: 1}


def test_open_gates_lead_to_a_proposal(place: Place) -> None:
    """With both datasets, three runs and the gain in lineage."""
    lines: list[str] = []
    done = place.run(say=lines.append)
    assert done.state is not None
    is_whole(place)
    (proposal,) = place.catalogue.proposals
    made = proposal.made
    assert (made.name, made.parts["model"], made.comparison["estimate"]) == ("production", "tuned", 1.0)
    assert made.comparison["low"] > 0
    training = place.catalogue.run(made.training_run)[1]
    assert training.artefact_sha256 is not None
    assert (training.name, training.trainer) == (f"support/{done.state.run_id} training", "shell")
    assert any(line.startswith("proposal ") for line in lines)
    assert "corrections" not in "".join(lines)


def test_training_and_evaluation_share_no_call(place: Place) -> None:
    """Users are parted by a place of their own."""
    place.run()
    rows: dict[str, set[str]] = {}
    for entry in place.catalogue.datasets:
        manifest = json.loads(Path(entry.built.manifest).read_text())
        rows[entry.built.name] = {call["span_id"] for row in manifest["rows"] for call in row["calls"]}
    assert min(len(found) for found in rows.values()) >= 3
    assert rows["support"] & rows["support-evaluation"] == set()
    assert "# A pipeline built this of the users from 0.3" in str(place.catalogue.dataset("support").built.recipe)


def test_closed_gates_begin_nothing(place: Place) -> None:
    """Without new facts nothing fires a second time, unless it is forced."""
    place.run()
    done = place.run()
    assert done.state is None
    assert done.verdict is not None
    assert "0 signals and feedback since the last run" in done.verdict.why
    assert len(place.states) == 1
    forced = place.run(force=True).state
    assert forced is not None
    assert forced.began.why.startswith("whatever the gates say")


@pytest.mark.timeout(180)
def test_a_kill_between_an_effect_and_its_record_repeats_nothing(
    tmp_path: Path, provider: Provider, trainers: Path
) -> None:
    """Whatever a step had just done and said, the next start ends with one of each."""
    for number, effect in enumerate(EFFECTS):
        place = Place(tmp_path / str(number), provider, trainers)
        place.learn(*corrected_calls(25))

        def say(line: str, effect: str = effect) -> None:
            if effect in line:
                raise KilledError

        with pytest.raises(KilledError):
            place.run(say=say)
        place.run()
        is_whole(place)
        assert place.trainings.read_text().count("trained") == (2 if effect == "trained tuned" else 1)


@pytest.mark.timeout(180)
def test_a_killed_process_goes_on_with_the_step_that_was_not_done(place: Place) -> None:
    """Killed at the beginning of each step in turn, whatever it does then."""
    place.write(tables='[serve]\nmodel = "echo"\n')
    for step in STEPS:
        with place.process() as process:
            wait_until(lambda step=step: _is_past(place, step), 60, what=f"the step {step}")  # type: ignore[misc]
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    with place.process() as process:
        output, _ = process.communicate(timeout=60)
    if process.returncode:
        pytest.fail(output)
    is_whole(place)
    assert place.states[0].attempts["train"] <= 2


def _is_past(place: Place, step: str) -> bool:
    return any(step in known.attempts for known in place.states)


def test_a_failed_step_is_said_and_tried_again(place: Place) -> None:
    """By the next start, with what was done before it."""
    text = place.file.read_text()
    place.file.write_text(text.replace("echo trained", 'test -e \\"$2\\" && echo trained'))
    with pytest.raises(TrainingFailedError):
        place.run()
    (failed,) = place.states
    assert (failed.state(at_work=False), failed.failed.step if failed.failed else "") == ("failed", "train")
    place.trainings.touch()
    place.run()
    is_whole(place)
    (found,) = place.states
    assert (found.attempts["train"], found.attempts["dataset"]) == (2, 1)


def test_a_failure_in_any_words_is_kept(place: Place) -> None:
    """What a stranger's service says may hold what no file can."""

    def fails(*_: object) -> Scores:
        raise ValueError("half \ud800 of a pair")

    with pytest.raises(ValueError, match="of a pair"):
        place.run(measure=fails)
    (failed,) = place.states
    assert (failed.failed.message if failed.failed else "") == "ValueError: half ? of a pair"


def test_a_changed_file_gives_the_open_run_up(place: Place) -> None:
    """What was begun by other words is not ended by these; the next run counts the facts that it had counted."""
    with pytest.raises(KilledError):
        place.run(say=_killing)
    place.write(top="keep_runs = 3")
    place.run()
    assert [one.state(at_work=False) for one in place.states] == ["abandoned", "proposed"]


def _killing(_: str) -> None:
    raise KilledError


def test_a_step_that_comes_to_no_end_ends_the_run(place: Place) -> None:
    """After so many attempts, so that nothing is paid for again and again."""
    place.file.write_text(
        "max_attempts = 2\n" + place.file.read_text().replace("echo trained", "echo trained; exit 3; echo")
    )
    for _ in range(2):
        with pytest.raises(TrainingFailedError):
            place.run()
    done = place.run()
    assert done.state is not None
    assert done.state.state(at_work=False) == "abandoned"
    assert "the step train came to no end in 2 attempts" in (done.state.ended.message if done.state.ended else "")


def test_a_dataset_that_was_erased_since_is_not_trained_on(place: Place) -> None:
    """The run ends; the next one builds anew."""

    def say(line: str) -> None:
        if line == "step train":
            raise KilledError

    with pytest.raises(KilledError):
        place.run(say=say)
    for file in (place.home.runs / place.states[0].run_id / "datasets" / "support").rglob("*.parquet"):
        file.unlink()
    done = place.run()
    assert done.state is not None
    assert done.state.state(at_work=False) == "not_valid"
    assert not place.trainings.exists()


def test_an_open_run_can_be_given_up(place: Place) -> None:
    """By its pipeline's name; once there is none, that is said."""
    with pytest.raises(KilledError):
        place.run(say=_killing)
    assert abandon(place.data_dir, "support", reason="enough").state(at_work=False) == "abandoned"
    with pytest.raises(RequestError, match="no run of support is open"):
        abandon(place.data_dir, "support", reason="enough")


def test_a_dataset_that_is_not_valid_ends_the_run(place: Place) -> None:
    """Before anything is trained, with every check."""
    place.file.write_text(place.file.read_text().replace("min_rows = 5", "min_rows = 500"))
    done = place.run()
    assert done.state is not None
    assert done.state.state(at_work=False) == "not_valid"
    assert "500 are wanted" in (done.state.ended.message if done.state.ended else "")
    assert not place.trainings.exists()


def test_a_model_that_is_no_better_is_not_proposed(place: Place) -> None:
    """And the sentence says why."""
    place.write(evaluate="min_gain = 1.0")
    done = place.run()
    assert done.state is not None
    assert done.state.state(at_work=False) == "no_proposal"
    assert "no proposal: includes gain +1.000" in (done.state.ended.message if done.state.ended else "")
    assert place.catalogue.proposals == []
    assert len(place.catalogue.runs) == 3


def test_two_never_run_at_once(place: Place) -> None:
    """The second is refused."""
    with alone(place.home), pytest.raises(RequestError, match="another process runs support now"):
        place.run()
    place.run()


def test_a_trigger_begins_a_run_once(place: Place) -> None:
    """With force it asks no gate; without, the answer says what kept it shut."""
    make_known(place.data_dir, load_pipeline(place.file))
    place.run()
    triggers.ask(place.data_dir, "support", actor="ada", reason="labels came")
    assert place.run().state is None
    forced = triggers.ask(place.data_dir, "support", actor="ada", reason="now", force=True)
    done = place.run()
    assert done.state is not None
    assert done.state.began.triggers == (forced.asked.id,)
    assert [one.message.split(":")[0] for one in triggers.answers(place.home)] == ["no run", "a run began"]
    assert place.run().state is None


def test_a_kill_behind_the_first_line_of_a_run_lets_no_trigger_count_twice(place: Place) -> None:
    """The run names its trigger before the trigger goes."""
    make_known(place.data_dir, load_pipeline(place.file))
    asked = triggers.ask(place.data_dir, "support", actor="ada", reason="now", force=True).asked
    kept = (place.home.triggers / f"{asked.id}.json").read_bytes()
    with pytest.raises(KilledError):
        place.run(say=_killing)
    (place.home.triggers / f"{asked.id}.json").write_bytes(kept)
    (place.home.answers / f"{asked.id}.json").unlink()
    place.run()
    place.run()
    assert len(place.states) == 1
    assert [one.run_id for one in triggers.answers(place.home)] == [place.states[0].run_id]


def test_what_would_fail_late_is_refused_early(place: Place, tmp_path: Path) -> None:
    """A recipe that is not there, and no ledger."""
    text = place.file.read_text()
    place.file.write_text(text.replace('recipe = "dpo"', 'recipe = "nothing.toml"'))
    with pytest.raises(SetupError, match="there is no recipe"):
        place.run()
    place.file.write_text(text)
    with pytest.raises(BacktalkError, match="there is no ledger"):
        verdict_of(tmp_path / "elsewhere", load_pipeline(place.file))
    assert place.states == []
