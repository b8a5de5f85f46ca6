"""What is ordered to be erased: one small durable file an order, which holds its progress until everything is done.

In: an order from the command or the admin listener. Out: the same order, carried out by the worker. The one rule: what
names the person stands in the file only while it is needed; when all is done a keyed hash is left, by which facts that
come later are known.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from backtalk import clock
from backtalk.errors import RequestError, StoreError
from backtalk.model.erased import ErasedBy
from backtalk.model.ids import keyed_hash, parse_trace_id
from backtalk.spool.files import make_directory, replace

DIRECTORY: Final = "erasures"
MAX_CHARS: Final = 512
"""Longest subject, actor or reason."""


class Trained(msgspec.Struct, frozen=True):
    """A run that used rows which were erased since; what it has learned from them stays in it."""

    run_id: str
    name: str
    purpose: str
    artefact_uri: str | None = None


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """One erasure: who is to be erased by whose order, and how far it is. Times are wall-clock nanoseconds."""

    id: str
    by: ErasedBy
    subject_hash: str
    asked_ns: int
    actor: str
    reason: str
    tenant: str | None = None
    subject: str = ""
    """As it was given, until all is done."""
    position: int | None = None
    """Of the journal, behind the tombstone; None until it is written."""
    done: Mapping[str, int] = {}
    """Each place that is done, and how much was erased there."""
    trace_ids: tuple[str, ...] = ()
    """Of the calls: what telemetry backends have to be asked to delete."""
    span_ids: tuple[str, ...] = ()
    session_ids: tuple[str, ...] = ()
    response_ids: tuple[str, ...] = ()
    raters: tuple[str, ...] = ()
    """The person's pseudonyms."""
    tenants: tuple[str, ...] = ()
    """Whose the calls are; what another tenant says under the same ids is its own."""
    fact_ids: tuple[str, ...] = ()
    """Of the feedback and the signals; with the calls, by what rows of datasets are found."""
    not_reached: tuple[str, ...] = ()
    """Paths of datasets and of files in their folders that may hold texts: what is left to the operator."""
    trained: tuple[Trained, ...] = ()
    """Runs that used rows of the person: a model cannot unlearn them."""
    done_ns: int | None = None


def hash_of(secret: bytes, by: ErasedBy, subject: str) -> str:
    """By what a subject is known once its name is gone; a trace id is no person's name and stays."""
    return subject if by == "trace" else keyed_hash(secret, b"erased", by.encode(), subject.encode())


def ask(
    data_dir: Path,
    secret: bytes,
    *,
    by: ErasedBy,
    subject: str,
    actor: str,
    reason: str,
    tenant: str | None = None,
) -> Order:
    """Order an erasure, durable on return; raises `RequestError` for words that cannot be taken."""
    for name, text in (("subject", subject), ("actor", actor), ("reason", reason), ("tenant", tenant or "-")):
        if not text.strip() or len(text) > MAX_CHARS or not text.isprintable():
            message = f"{name} must be printable, with 1 to {MAX_CHARS} characters"
            raise RequestError(message, code="bad_erasure", param=name)
    if by == "trace" and parse_trace_id(subject) is None:
        message = "a trace id is 32 lower-case hex digits, as in the x-trace-id header"
        raise RequestError(message, code="bad_trace_id", param="subject")
    order = Order(
        id=secrets.token_hex(8),
        by=by,
        subject_hash=hash_of(secret, by, subject),
        asked_ns=clock.now().wall_ns,
        actor=actor,
        reason=reason,
        tenant=tenant,
        subject=subject,
    )
    save(data_dir, order)
    return order


def save(data_dir: Path, order: Order) -> None:
    """Write an order down, durable on return; raises `StoreError` where the disk takes nothing."""
    directory = data_dir / DIRECTORY
    try:
        make_directory(directory)
        replace(directory / f"{order.id}.json", msgspec.json.format(msgspec.json.encode(order), indent=1))
    except OSError as error:
        raise StoreError(f"the erasure cannot be written down: {error.strerror}", code="erasure_not_kept") from error


def load(data_dir: Path) -> list[Order]:
    """All orders, the oldest first; a file that cannot be read raises `StoreError`: nothing may be forgotten."""
    try:
        paths = (data_dir / DIRECTORY).glob("[0-9a-f]*.json")
        found = [msgspec.json.decode(path.read_bytes(), type=Order) for path in paths]
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"an erasure in {data_dir / DIRECTORY} cannot be read: {error}", code="bad_erasure") from error
    return sorted(found, key=lambda order: (order.asked_ns, order.id))


def told(order: Order) -> dict[str, Any]:
    """An order as it is shown to people: without the name of who is erased."""
    fields = msgspec.to_builtins(order)
    listed = ("id", "by", "subject_hash", "tenant", "asked_ns", "actor", "reason", "done_ns")
    status = "ordered" if order.position is None else ("running" if order.done_ns is None else "done")
    told = {name: fields.get(name) for name in listed}
    left = {name: fields.get(name, []) for name in ("not_reached", "trained")}
    return {"status": status, **told, "done": dict(order.done), **left}
