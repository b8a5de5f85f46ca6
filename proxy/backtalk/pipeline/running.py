"""Runs a pipeline: one run at a time, step by step, and after a kill from the step that was not done.

In: a pipeline and who asks. Out: a run's state, or the verdict that keeps it from beginning. The one rule: a step that
is written down as done is never done again; what a run was begun with it is ended with.
"""

import contextlib
import os
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

import backtalk
from backtalk import clock
from backtalk.errors import BacktalkError, RequestError, StoreError
from backtalk.model.meter import Meter
from backtalk.pipeline import dataset_steps, model_steps, proposal_steps, state_log, triggers
from backtalk.pipeline.definition import Pipeline
from backtalk.pipeline.events import Began, Ended, Outcome, RunState, StepFailed, StepFinished, StepStarted
from backtalk.pipeline.folders import Home, home, new_run_id
from backtalk.pipeline.gates import Figures, Verdict, decide
from backtalk.pipeline.looking import look
from backtalk.pipeline.measuring import Measure, measure
from backtalk.pipeline.pruning import prune
from backtalk.pipeline.sections import FromRecipe
from backtalk.pipeline.step_log import step_log
from backtalk.pipeline.work import Say, StopError, Work
from backtalk.plugin import TrainingFailedError
from backtalk.plugin.discovery import load_trainer
from backtalk.process import take_lock
from backtalk.spool.files import make_directory, replace

STEPS: Final[Mapping[str, Callable[[Work], dict[str, Any]]]] = {
    **dataset_steps.STEPS,
    **model_steps.STEPS,
    **proposal_steps.STEPS,
}
"""Every step by name, in their order."""


class Asked(NamedTuple):
    """Who wants a run, and how."""

    actor: str
    force: bool = False
    """Begin one whatever the gates say."""
    plugins: Mapping[str, Mapping[str, Any]] = {}
    measure: Measure = measure


class Done(NamedTuple):
    """What came of it: a run, or only a verdict."""

    state: RunState | None
    verdict: Verdict | None = None


def verdict_of(data_dir: Path, pipeline: Pipeline) -> tuple[Verdict, Figures]:
    """Whether the pipeline would fire now, and by which figures."""
    known = [one for one in state_log.states(home(data_dir, pipeline.name)) if not one.is_abandoned]
    figures = look(data_dir, pipeline, known[-1] if known else None, clock.now().wall_ns)
    return decide(pipeline.trigger, figures), figures


def run(data_dir: Path, pipeline: Pipeline, asked: Asked, *, metrics: Meter, say: Say) -> Done:
    """Go on with the run that is not over, or begin one where the gates are open; raises what a step raised."""
    place = home(data_dir, pipeline.name)
    check(pipeline, asked.plugins)
    with alone(place):
        make_known(data_dir, pipeline)
        _settle(place)
        found = _unfinished(place, pipeline, say)
        if found is None:
            verdict, figures = verdict_of(data_dir, pipeline)
            waiting = triggers.pending(place)
            ids = [one.id for one in waiting]
            if not (verdict.fires or asked.force or any(one.force for one in waiting)):
                triggers.answer(place, ids, f"no run: {verdict.why}")
                return Done(None, verdict)
            found = _begin(place, pipeline, asked, verdict, figures, waiting)
            triggers.answer(place, ids, "a run began", found.run_id)
        _go(data_dir, pipeline, place.runs / found.run_id, asked, metrics, say)
        freed = prune(data_dir, place, pipeline.keep_runs)
        if freed:
            metrics.add("backtalk.pipeline.pruned", freed)
        return Done(state_log.state(place.runs / found.run_id))


def check(pipeline: Pipeline, plugins: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `SetupError` for a trainer, its settings or a recipe that would fail only when much was done."""
    load_trainer(pipeline.train.trainer, plugins, pipeline.train.settings)
    asked = pipeline.evaluation
    for recipe in (pipeline.recipe, *([asked.recipe] if isinstance(asked, FromRecipe) else [])):
        dataset_steps.recipe_of(pipeline, recipe)


def abandon(data_dir: Path, name: str, *, reason: str) -> RunState:
    """End the run that is not over, as it is; raises `RequestError` where there is none."""
    place = home(data_dir, name)
    with alone(place):
        for known in reversed(state_log.states(place)):
            if known.ended is None:
                return _end(place.runs / known.run_id, "abandoned", reason)
    raise RequestError(f"no run of {name} is open", code="no_open_run", status=404)


def make_known(data_dir: Path, pipeline: Pipeline) -> None:
    """Let the admin listener know the pipeline, so that it takes triggers for it."""
    place = home(data_dir, pipeline.name)
    said = {"name": pipeline.name, "description": pipeline.description, "context": pipeline.context}
    said |= {"file": str(pipeline.folder / f"{pipeline.name}.toml"), "sha256": pipeline.sha256}
    content = msgspec.json.format(msgspec.json.encode(said), indent=1)
    if not place.about.is_file() or place.about.read_bytes() != content:
        make_directory(place.path)
        replace(place.about, content)


@contextlib.contextmanager
def alone(place: Home) -> Generator[None]:
    """Hold the pipeline's lock; raises `RequestError` where another process does."""
    try:
        make_directory(place.path)
        lock = take_lock(place.lock)
    except OSError as error:
        raise StoreError(f"{place.path} cannot be used: {error.strerror}", code="run_not_kept") from error
    if lock is None:
        raise RequestError(f"another process runs {place.name} now", code="pipeline_busy", status=409)
    try:
        yield
    finally:
        os.close(lock)


def _settle(place: Home) -> None:
    """Answer what a run was begun for, where a kill came between; and remove what never began."""
    for run_id in place.run_ids():
        known = state_log.state(place.runs / run_id)
        if known is None:
            with contextlib.suppress(OSError):
                (place.runs / run_id / state_log.FILE).unlink(missing_ok=True)
                (place.runs / run_id).rmdir()
        elif known.ended is None:
            triggers.answer(place, known.began.triggers, "a run began", known.run_id)


def _unfinished(place: Home, pipeline: Pipeline, say: Say) -> RunState | None:
    """The run to go on with; one that was begun by another text of the pipeline is given up."""
    for known in state_log.states(place):
        if known.ended is None and known.began.sha256 != pipeline.sha256:
            _end(place.runs / known.run_id, "abandoned", "the pipeline's file was changed")
            say(f"run {known.run_id} is abandoned: the pipeline's file was changed")
    left = [known for known in state_log.states(place) if known.ended is None]
    if left:
        say(f"run {left[-1].run_id} goes on")
    return left[-1] if left else None


def _begin(
    place: Home, pipeline: Pipeline, asked: Asked, verdict: Verdict, figures: Figures, waiting: list[triggers.Asked]
) -> RunState:
    now_ns = clock.now().wall_ns
    run_id = new_run_id(now_ns)
    said = [f"asked for by {one.actor}: {one.reason}" for one in waiting[:5]]
    forced = asked.force or any(one.force for one in waiting)
    why = verdict.why if verdict.fires else f"whatever the gates say ({verdict.why})" if forced else ""
    began = Began(
        now_ns, run_id, pipeline.name, pipeline.text, pipeline.sha256, backtalk.__version__, asked.actor,
        "; ".join([*said, why]), str(pipeline.folder), figures.new_facts, figures.newest_ns,
        tuple(one.id for one in waiting),
    )  # fmt: skip
    state_log.append(place.runs / run_id, began)
    found = state_log.state(place.runs / run_id)
    if found is None:
        raise StoreError(f"the run {run_id} was not kept", code="run_not_kept")
    return found


def _go(data_dir: Path, pipeline: Pipeline, folder: Path, asked: Asked, metrics: Meter, say: Say) -> None:
    for name, step in STEPS.items():
        known = state_log.state(folder)
        if known is None or known.ended is not None:
            return
        if name in known.finished:
            continue
        attempts = known.attempts.get(name, 0)
        if attempts >= pipeline.max_attempts:
            _end(folder, "abandoned", f"the step {name} came to no end in {attempts} attempts", metrics)
            return
        state_log.append(folder, StepStarted(clock.now().wall_ns, name, attempts + 1))
        with step_log(folder / "logs" / f"{name}.log", say) as told:
            told(f"step {name}")
            work = Work(
                data_dir, pipeline, folder, asked.actor, asked.plugins, metrics, asked.measure, known.finished, told
            )
            try:
                outputs = step(work)
            except StopError as stop:
                state_log.append(folder, StepFinished(clock.now().wall_ns, name, stop.outputs))
                _end(folder, stop.outcome, stop.message, metrics)
                return
            except Exception as error:
                _fail(folder, name, error, told)
                raise
        state_log.append(folder, StepFinished(clock.now().wall_ns, name, outputs))
    known = state_log.state(folder)
    _end(folder, "proposed", "" if known is None else str(known.finished["compare"]["sentence"]), metrics)


def _fail(folder: Path, step: str, error: Exception, told: Say) -> None:
    """Write down why a step came to nothing; the words of what is not ours may be anything."""
    code = error.code if isinstance(error, BacktalkError) else type(error).__name__
    words = error.message if isinstance(error, BacktalkError) else str(error)
    message = words if isinstance(error, BacktalkError | TrainingFailedError) else f"{code}: {words}"
    told(f"FAILED {step}: {message}")
    state_log.append(folder, StepFailed(clock.now().wall_ns, step, code, _kept(message)))


def _kept(message: str) -> str:
    """Without what JSON cannot hold, such as half of a pair."""
    return message[:2000].encode("utf-8", "replace").decode()


def _end(folder: Path, outcome: Outcome, message: str, metrics: Meter | None = None) -> RunState:
    state_log.append(folder, Ended(clock.now().wall_ns, outcome, message))
    if metrics is not None:
        metrics.add("backtalk.pipeline.runs", outcome=outcome)
    found = state_log.state(folder)
    if found is None:
        raise StoreError(f"the run {folder.name} was not kept", code="run_not_kept")
    return found
