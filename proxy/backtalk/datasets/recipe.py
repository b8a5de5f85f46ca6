"""Recipes: what a dataset is to be made of, read from a small TOML file or from one that comes along.

In: a name or a path. Out: a frozen `Recipe` with its own text and hash. The one rule: a recipe that cannot be followed
is refused before anything is read, with what was wrong, what is nearest and what is allowed.
"""

import difflib
import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backtalk.clock import NS_PER_S
from backtalk.datasets.formats.known import FORMATS
from backtalk.datasets.weights import Weights, read_weights
from backtalk.errors import SetupError
from backtalk.plugin import SampleBuilder
from backtalk.plugin.discovery import REDACTORS, SAMPLE_BUILDERS, installed, load_sample_builders

_BUILT_IN: Final = "recipes"
_SUFFIX: Final = ".toml"
SPLIT_NAME: Final = r"^[a-z][a-z0-9_]{0,31}$"
"""What a split may be called: its name is a part of files' names."""
Texts = tuple[str, ...]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Select(_Part):
    """Which calls may make rows; an empty list is no limit."""

    since: datetime | None = None
    """Only calls that arrived at or after this instant; without an offset it is UTC."""
    until: datetime | None = None
    """Only calls that arrived before this instant."""
    models: Texts = ()
    routes: Texts = ()
    tenants: Texts = ()
    prompts: Texts = ()
    """Names of prompt templates."""
    users: Texts = ()
    languages: Texts = ()
    """Codes of the language of the last user message, such as `en`; what is not known is `unknown`."""
    feedback_kinds: Texts = ()
    """Only these kinds of feedback are evidence."""
    signal_kinds: Texts = ()
    """Only these kinds of signals are evidence."""
    sources: Texts = ()
    """Only feedback of these sources is evidence."""
    session_feedback: Literal["off", "last_answer"] = "off"
    """Whether feedback about a session that had ended is weak evidence of its last answer, or none."""
    min_quality: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Only answers of at least this quality."""
    max_quality: Annotated[float, Field(ge=0, le=1)] = 1.0
    part: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]] = (0.0, 1.0)
    """Only users (sessions, where no user is named) whose place between 0 and 1 is from the first number to before the
    second. A place is a hash and never changes, so `[0, 0.2]` and `[0.2, 1]` share nobody."""


class Gates(_Part):
    """What a sample must pass before a row exists."""

    consent: str = ""
    """The tag that the call's `metadata.consent` must hold (tags are parted by commas); empty asks for none."""
    redactors: Texts = ("pii",)
    """Redactors that every text passes, in this order."""
    max_per_user: Annotated[int, Field(ge=0)] = 0
    """The most rows of one user (of one session where none is named); 0 is no limit."""
    near_duplicates: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Texts whose shingles agree in this share or more are one; 0 keeps all that are not equal."""
    decontaminate: Texts = ()
    """Folders of datasets, or JSONL files: what shares 13 words in a row with one of their texts is left out."""


class Quality(_Part):
    """How evidence is weighed."""

    weights: str = ""
    """A file that `backtalk dataset weights` wrote; empty for the stated priors."""


class Split(_Part):
    """Shares of the rows; no session and no user stands in two of them."""

    shares: dict[Annotated[str, Field(pattern=SPLIT_NAME)], Annotated[float, Field(gt=0, le=1)]] = {"train": 1.0}
    seed: str = "backtalk"


class _Document(_Part):
    builders: Annotated[Texts, Field(min_length=1)]
    formats: Texts = ()
    description: str = ""
    select: Select = Select()
    quality: Quality = Quality()
    gates: Gates = Gates()
    split: Split = Split()
    builder: dict[str, dict[str, Any]] = {}


class Recipe(NamedTuple):
    """A recipe that can be followed."""

    name: str
    text: str
    """As it was written."""
    description: str
    formats: Texts
    select: Select
    gates: Gates
    split: Split
    builders: tuple[SampleBuilder, ...]
    weights: Weights = Weights()

    @property
    def sha256(self) -> str:
        """The hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def splits(self) -> Texts:
        """The names of the splits."""
        return tuple(self.split.shares)

    @property
    def kind(self) -> str:
        """What all its rows are."""
        return self.builders[0].sample_kind


def built_in() -> list[str]:
    """The names of the recipes that come along."""
    folder = files("backtalk.datasets").joinpath(_BUILT_IN)
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in folder.iterdir() if entry.name.endswith(_SUFFIX))


def load_recipe(name: str) -> Recipe:
    """The recipe of a name or of a file; `SetupError` where it cannot be followed."""
    if name in built_in():
        return parse_recipe(
            name, files("backtalk.datasets").joinpath(_BUILT_IN, name + _SUFFIX).read_text(encoding="utf-8")
        )
    path = Path(name)
    if not path.is_file():
        raise _refusal(
            f"there is no recipe {name!r}{_nearest(name, built_in())}: name a TOML file or one of", built_in()
        )
    try:
        return parse_recipe(path.stem, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"the recipe {name} cannot be read: {error}", code="bad_recipe") from error


def parse_recipe(name: str, text: str) -> Recipe:
    """The recipe of a text; `SetupError` where it cannot be followed."""
    try:
        document = _Document.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"recipe {name}: this is not TOML: {error}", code="bad_recipe") from error
    except ValidationError as error:
        raise SetupError(f"recipe {name}: {_what_is_wrong(error)}", code="bad_recipe") from error
    _known(name, "builder", (*document.builders, *document.builder), installed(SAMPLE_BUILDERS))
    _known(name, "format", document.formats, FORMATS)
    _known(name, "redactor", document.gates.redactors, installed(REDACTORS))
    for unused in document.builder.keys() - set(document.builders):
        raise SetupError(f"recipe {name}: [builder.{unused}] is not among builders", code="bad_recipe")
    builders = tuple(load_sample_builders(document.builders, document.builder))
    _fit(name, builders, document.formats)
    shares = document.split.shares
    if not shares or abs(sum(shares.values()) - 1) > 1e-9:
        raise SetupError(
            f"recipe {name}: split.shares must add up to 1, not {sum(shares.values()):g}", code="bad_recipe"
        )
    return Recipe(
        name,
        text,
        document.description,
        document.formats,
        document.select,
        document.gates,
        document.split,
        builders,
        read_weights(Path(document.quality.weights)) if document.quality.weights else Weights(),
    )


def instant_ns(moment: datetime | None, otherwise: int) -> int:
    """A recipe's instant in nanoseconds."""
    if moment is None:
        return otherwise
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1_000_000) * (NS_PER_S // 1_000_000)


def _fit(name: str, builders: tuple[SampleBuilder, ...], formats: Iterable[str]) -> None:
    kinds = sorted({builder.sample_kind for builder in builders})
    if len(kinds) > 1:
        raise SetupError(
            f"recipe {name}: its builders make rows of several kinds: {', '.join(kinds)}", code="bad_recipe"
        )
    for one in formats:
        if kinds[0] not in FORMATS[one].kinds:
            fitting = sorted(known for known, found in FORMATS.items() if kinds[0] in found.kinds)
            raise _refusal(f"recipe {name}: the format {one} holds no {kinds[0]} rows; those that do are", fitting)


def _known(name: str, what: str, given: Iterable[str], known: Mapping[str, Any]) -> None:
    for one in given:
        if one not in known:
            raise _refusal(f"recipe {name}: there is no {what} {one!r}{_nearest(one, known)}; known are", sorted(known))


def _what_is_wrong(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{where}: {first['msg']}"
    *section, name = where.split(".")
    known = list(_SECTIONS[section[0]].model_fields if section else _Document.model_fields)
    return f"there is no {where!r}{_nearest(name, known)}; allowed are {', '.join(known)}"


_SECTIONS: Final[Mapping[str, type[_Part]]] = {
    "select": Select,
    "quality": Quality,
    "gates": Gates,
    "split": Split,
}


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _refusal(sentence: str, names: Iterable[str]) -> SetupError:
    return SetupError(f"{sentence} {', '.join(names)}", code="bad_recipe")
