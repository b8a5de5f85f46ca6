"""What asks a pipeline for a look from outside: a small durable file each, answered exactly once.

In: a request of the admin listener. Out: the same, to the process that holds the pipeline's lock. The one rule: an
answer is written before the question goes, and a question that has an answer, or that a run names, is none any more:
a kill at any moment neither loses one nor lets it count twice.
"""

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from backtalk import clock
from backtalk.errors import RequestError, StoreError
from backtalk.pipeline.folders import Home, home
from backtalk.spool.files import make_directory, replace

MAX_PENDING: Final = 100
"""So many wait at most; above it 429."""
KEPT_ANSWERS: Final = 200
"""So many answers are kept, and as many idempotency keys known."""
MAX_CHARS: Final = 256
"""Longest actor or reason."""


class Asked(msgspec.Struct, frozen=True):
    """Somebody wants a look now; with `force` a run whatever the gates say."""

    id: str
    asked_ns: int
    actor: str
    reason: str
    force: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What became of it."""

    id: str
    answered_ns: int
    message: str
    run_id: str | None = None


class Taken(NamedTuple):
    """A request that is durable; `duplicate` says that its idempotency key was known."""

    asked: Asked
    duplicate: bool


def ask(
    data_dir: Path, name: str, *, actor: str, reason: str, force: bool = False, idempotency_key: str | None = None
) -> Taken:
    """Ask, durable on return; raises `RequestError` for a pipeline that nobody runs here, or where too many wait."""
    place = home(data_dir, name)
    if not place.about.is_file():
        message = f"there is no pipeline {name!r} here: `backtalk pipeline watch` or `run` makes one known"
        raise RequestError(message, code="unknown_pipeline", status=404)
    for what, text in (("actor", actor), ("reason", reason)):
        if not text.strip() or len(text) > MAX_CHARS or not text.isprintable():
            message = f"{what} must be printable, with 1 to {MAX_CHARS} characters"
            raise RequestError(message, code="bad_trigger", param=what)
    asked = Asked(_id_of(idempotency_key), clock.now().wall_ns, actor, reason, force)
    for known in (place.triggers / f"{asked.id}.json", place.answers / f"{asked.id}.json"):
        if known.exists():
            return Taken(asked, duplicate=True)
    if sum(1 for _ in place.triggers.glob("*.json")) >= MAX_PENDING:
        message = f"{MAX_PENDING} triggers of {name} wait already: is `backtalk pipeline watch` running?"
        raise RequestError(message, code="too_many_triggers", status=429)
    _write(place.triggers, asked.id, asked)
    return Taken(asked, duplicate=False)


def pending(place: Home) -> list[Asked]:
    """What waits for an answer, the oldest first."""
    found = [_read(path, Asked) for path in place.triggers.glob("*.json")]
    waiting = [one for one in found if one is not None and not (place.answers / f"{one.id}.json").exists()]
    return sorted(waiting, key=lambda one: (one.asked_ns, one.id))


def answer(place: Home, ids: Sequence[str], message: str, run_id: str | None = None) -> None:
    """Say what became of requests; what was answered before stays as it was."""
    for name in ids:
        if not (place.answers / f"{name}.json").exists():
            _write(place.answers, name, Answer(name, clock.now().wall_ns, message, run_id))
        (place.triggers / f"{name}.json").unlink(missing_ok=True)
    if ids:
        _forget_old(place)


def answers(place: Home) -> list[Answer]:
    """What became of the latest requests, the oldest first."""
    found = [one for path in place.answers.glob("*.json") if (one := _read(path, Answer)) is not None]
    return sorted(found, key=lambda one: (one.answered_ns, one.id))


def _forget_old(place: Home) -> None:
    for old in answers(place)[:-KEPT_ANSWERS]:
        (place.answers / f"{old.id}.json").unlink(missing_ok=True)


def _id_of(idempotency_key: str | None) -> str:
    if idempotency_key is None:
        return secrets.token_hex(8)
    return hashlib.sha256(idempotency_key.encode()).hexdigest()[:16]


def _write(directory: Path, name: str, value: Any) -> None:
    try:
        make_directory(directory)
        replace(directory / f"{name}.json", msgspec.json.encode(value))
    except OSError as error:
        raise StoreError(f"the trigger cannot be written down: {error.strerror}", code="trigger_not_kept") from error


_Kind = TypeVar("_Kind", Asked, Answer)


def _read(path: Path, kind: type[_Kind]) -> _Kind | None:
    """A file's value; None where it went meanwhile. One that cannot be read raises: nothing may be forgotten."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"{path} cannot be read: {error}", code="trigger_damaged") from error
