"""Pipelines as their owner writes them: a small TOML file says what is built, trained, measured and proposed, and when.

In: a file. Out: a frozen `Pipeline` with its own text and hash. The one rule: a file that cannot be followed is
refused before anything is read or started, with what was wrong, what is nearest and what is allowed.
"""

import difflib
import hashlib
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from backtalk.errors import SetupError
from backtalk.pipeline.folders import MAX_NAME_CHARS, is_name
from backtalk.pipeline.sections import Document, Evaluate, FromRecipe, Promote, Serve, Train, Trigger, Validate
from backtalk.plugin.discovery import TRAINERS, installed
from backtalk.settings.section import base_url

MAX_FILE_BYTES: Final = 65_536
_TEXT_OPTION: Final = "constrained-str"
"""What pydantic calls the text of a field that may be a table too."""


class Pipeline(NamedTuple):
    """A pipeline that can be followed."""

    name: str
    text: str
    """As it was written."""
    folder: Path
    """Where its file stands: recipes that it names by a path are looked for from there."""
    description: str
    recipe: str
    evaluation: str | FromRecipe
    context: str
    keep_runs: int
    max_attempts: int
    trigger: Trigger
    validate: Validate
    train: Train
    serve: Serve
    evaluate: Evaluate
    promote: Promote

    @property
    def sha256(self) -> str:
        """The hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load_pipeline(path: Path) -> Pipeline:
    """The pipeline of a file; `SetupError` where it cannot be followed."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SetupError(f"the pipeline {path} cannot be read: {error.strerror}", code="bad_pipeline") from error
    if len(content) > MAX_FILE_BYTES:
        raise SetupError(f"the pipeline {path} has more than {MAX_FILE_BYTES} bytes", code="bad_pipeline")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise SetupError(f"the pipeline {path} is no UTF-8", code="bad_pipeline") from error
    return parse_pipeline(path.stem, text, path.resolve().parent)


def parse_pipeline(name: str, text: str, folder: Path) -> Pipeline:
    """The pipeline of a text; `SetupError` where it cannot be followed."""
    if not is_name(name):
        allowed = f"lower-case letters, digits, - and _, {MAX_NAME_CHARS} at most, a letter first"
        raise SetupError(f"a pipeline is called like its file: {name!r} must be {allowed}", code="bad_pipeline")
    try:
        document = Document.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SetupError(f"pipeline {name}: this is not TOML: {error}", code="bad_pipeline") from error
    except ValidationError as error:
        raise SetupError(f"pipeline {name}: {_what_is_wrong(error)}", code="bad_pipeline") from error
    _check(name, document)
    fields = {field: getattr(document, field) for field in type(document).model_fields if field != "validate_"}
    return Pipeline(name=name, text=text, folder=folder, validate=document.validate_, **fields)


def _check(name: str, document: Document) -> None:
    """What no single field can tell."""
    trainers = installed(TRAINERS)
    if document.train.trainer not in trainers:
        known = ", ".join(sorted(trainers)) or "none"
        near = _nearest(document.train.trainer, list(trainers))
        message = f"pipeline {name}: there is no trainer {document.train.trainer!r}{near}; installed are {known}"
        raise SetupError(message, code="bad_pipeline")
    trigger, serve, promote = document.trigger, document.serve, document.promote
    if trigger.max_interval_s is not None and trigger.max_interval_s < trigger.min_interval_s:
        raise _refusal(name, "trigger.max_interval_s must not be below trigger.min_interval_s")
    if serve.port is not None and not serve.command:
        raise _refusal(name, "serve.port is where serve.command is to listen: name a command, or no port")
    if promote.secret_env and not promote.webhook:
        raise _refusal(name, "promote.secret_env signs messages to promote.webhook, and there is none")
    for where, url in (("evaluate.base_url", document.evaluate.base_url), ("promote.webhook", promote.webhook)):
        try:
            base_url(url or "http://none")
        except ValueError as error:
            raise _refusal(name, f"{where} {error}") from error


def _refusal(name: str, why: str) -> SetupError:
    return SetupError(f"pipeline {name}: {why}", code="bad_pipeline")


def _what_is_wrong(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    first = next((one for one in found if _TEXT_OPTION not in one["loc"]), found[0])
    steps = [str(step) for step in first["loc"] if step not in (_TEXT_OPTION, FromRecipe.__name__)]
    where = ".".join(steps)
    if first["type"] != "extra_forbidden":
        return f"{where}: {first['msg']}"
    known = _fields_at(steps[:-1])
    return f"there is no {where!r}{_nearest(steps[-1], known)}; allowed are {', '.join(known)}"


def _fields_at(steps: list[str]) -> list[str]:
    """The names that a table may have."""
    model: type[BaseModel] = Document
    for step in steps:
        field = next((one for name, one in model.model_fields.items() if step in (name, one.alias)), None)
        inner = None if field is None else _model_in(field.annotation)
        if inner is None:
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    options = (annotation, *get_args(annotation))
    return next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _nearest(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""
