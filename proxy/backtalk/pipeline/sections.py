"""The tables of a pipeline's file, each value with its bounds. Pure.

In: parsed TOML. Out: frozen values. The one rule: what is not known is refused, and every number has a range.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Metric = Literal["bad_share", "rejected_share", "negative_signal_share"]
Source = Literal["run", "candidate_run", "model", "artefact", "dataset", "evaluation"]
_S_A_YEAR: Final = 366 * 86_400
_Text = Annotated[str, StringConstraints(min_length=1, max_length=512)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Seconds = Annotated[float, Field(ge=0, le=_S_A_YEAR)]
_Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class Statistics(_Part):
    """Fires only where the metric became worse than it was at the time of the last run, beyond chance."""

    metric: Metric = "bad_share"
    window_s: Annotated[float, Field(gt=0, le=_S_A_YEAR)] = 604_800.0
    """Of how long a time calls are looked at, now and then."""
    min_change: _Share = 0.0
    """By how much the share must have grown: the interval's lower end must lie above it."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


class Trigger(_Part):
    """When it fires: all gates must be open."""

    min_new_facts: Annotated[int, Field(ge=1, le=1_000_000_000)] = 200
    """Signals and feedback of users since the last run."""
    min_interval_s: _Seconds = 86_400.0
    """Time since the last run began."""
    max_interval_s: _Seconds | None = None
    """After so long it fires whatever the statistics say, if there are enough new facts."""
    statistics: Statistics | None = None


class Validate(_Part):
    """What the built training dataset must be."""

    min_rows: Annotated[int, Field(ge=1, le=1_000_000_000)] = 50
    min_rows_per_split: _Count = 1
    max_share_of_user: _Share = 1.0
    """The largest share of rows of one user (of one session where none is named)."""
    max_share_of_model: _Share = 1.0
    max_share_of_rule: _Share = 1.0
    """The largest share of rows that one rule alone made."""
    min_evaluation_rows: Annotated[int, Field(ge=1, le=1_000_000_000)] = 10


class Train(_Part):
    """Who trains, and with what."""

    trainer: _Text
    settings: dict[str, Any] = {}


class Serve(_Part):
    """How the trained model answers while it is measured."""

    model: _Text | None = None
    """The name by which it is asked for; what the trainer says where there is none."""
    command: tuple[_Text, ...] = ()
    """Starts an OpenAI-compatible server; {artefact}, {model} and {port} in it are filled in."""
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Where a route of the running Backtalk leads to; without it a Backtalk of the run's own stands before it."""
    ready_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0


class Evaluate(_Part):
    """How the model in use and the trained one are measured."""

    base_url: _Text = "http://127.0.0.1:8080/v1"
    """A Backtalk, so that the calls of the evaluation have traces."""
    current: _Text
    """The model in use, as it is asked for there."""
    scorers: Annotated[tuple[_Text, ...], Field(min_length=1, max_length=16)] = ("includes",)
    """The first one decides; the others are recorded. `backtalk evaluate --help` lists them."""
    judge: _Text | None = None
    """The model that judges, for the scorer `judge`."""
    judge_prompt: _Text | None = None
    """A file with its words, from the pipeline's folder; without one those that come along."""
    params: dict[str, Any] = {}
    """Further fields of each request, such as `temperature`."""
    limit: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """So many cases at most."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    max_error_share: _Share = 0.05
    """Where more of the rows get no answer, the step fails and is tried again: it says nothing of the model."""
    min_gain: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """The gain's 95% interval must lie above it."""
    min_cases: Annotated[int, Field(ge=2, le=1_000_000_000)] = 10
    """Fewer pairs of scores decide nothing."""
    api_key_env: _Text | None = None
    """The variable that holds the key for the base URL."""


class Promote(_Part):
    """What a proposal says, and who is told."""

    parts: Annotated[dict[_Text, Source], Field(min_length=1)] = {"model_run": "run", "model": "model"}
    """Which parts of the name change, and what of the run they become."""
    webhook: _Text | None = None
    secret_env: _Text | None = None
    """The variable that holds the secret by which a message is signed."""


class FromRecipe(_Part):
    """An evaluation dataset that is built anew with each run."""

    recipe: _Text
    share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Of the users (of the sessions, where none is named); the training dataset is built from the others."""


class Document(_Part):
    """The whole file."""

    description: Annotated[str, StringConstraints(max_length=512)] = ""
    recipe: _Text
    evaluation: _Text | FromRecipe
    context: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    keep_runs: Annotated[int, Field(ge=1, le=1000)] = 5
    max_attempts: Annotated[int, Field(ge=1, le=1000)] = 5
    """A step that began so often without coming to an end ends the run."""
    trigger: Trigger = Trigger()
    validate_: Annotated[Validate, Field(alias="validate")] = Validate()
    train: Train
    serve: Serve = Serve()
    evaluate: Evaluate
    promote: Promote = Promote()
