"""Where texts are, as the eraser sees it: what it asks of each place. No behaviour."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from backtalk.ledger.erasing import Erasure
from backtalk.ledger.erasing import Order as LedgerOrder
from backtalk.model.facts import Fact
from backtalk.spool.erasures import Order, Trained
from backtalk.spool.rewriting import Change

Pseudonym = Callable[[str, str], str]
"""A rater's name in a tenant, by name and tenant."""


class Facts(Protocol):
    """What is asked of `core.Core`."""

    def record(self, fact: Fact) -> int:
        """Write a fact at once; gives the journal's position behind it."""
        ...

    def release(self) -> None:
        """Let the spools forget what was consumed."""
        ...


class Tables(Protocol):
    """What is asked of `ledger.writer.LedgerWriter`."""

    @property
    def committed(self) -> int:
        """The journal's position up to which everything is in the tables."""
        ...

    def erase(self, order: LedgerOrder) -> "Future[Erasure]":
        """Have texts taken out of the tables."""
        ...


class Texts(Protocol):
    """What is asked of `session.erasing.SessionErasing`."""

    def blank(self, span_ids: "frozenset[str]") -> int:
        """Blank the texts of calls."""
        ...

    def rewrite_log(self) -> None:
        """Have the append-only file written anew."""
        ...

    def log_is_rewritten(self) -> bool:
        """Whether that is done."""
        ...


class Rereading(Protocol):
    """What is asked of `export.loop.ExportLoop`."""

    def reread(self) -> None:
        """Have everything let go of that was read from the journal and not delivered."""
        ...

    @property
    def has_reread(self) -> bool:
        """Whether that is done."""
        ...


class DatasetsErased(Protocol):
    """What is asked of `datasets.erasing.Erased`."""

    @property
    def datasets(self) -> int:
        """How many have a new version."""
        ...

    @property
    def rows(self) -> int:
        """How many rows they lost."""
        ...

    @property
    def not_reached(self) -> tuple[str, ...]:
        """Paths that are left to the operator."""
        ...

    @property
    def trained(self) -> tuple[Trained, ...]:
        """Runs that have learned from the rows."""
        ...

    @property
    def log_files(self) -> int:
        """How many of their logs were deleted."""
        ...


class Places(NamedTuple):
    """Where texts are."""

    facts: Facts
    rewrite: Callable[[Change], int]
    """Changes entries of the journal, each to one of its own length."""
    tables: Tables
    texts: Texts
    exporters: Sequence[Rereading]
    builds: Callable[[], frozenset[str]]
    """Names the builds of datasets that are under way."""
    datasets: Callable[[Order], "Future[DatasetsErased]"]
    """Has rows taken out of datasets that were built."""
