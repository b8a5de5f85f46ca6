"""What exporters take from their host: what only the host knows."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from backtalk.export.captured import MessageId
from backtalk.model.facts import Fact
from backtalk.plugin.protocols import Exporter
from backtalk.settings import TelemetrySettings
from backtalk.telemetry import Metrics, Snapshot


def _no_id(_tenant: str, _message: object) -> str:
    return ""


def _no_lag() -> float:
    return 0.0


class Host(NamedTuple):
    """The host's settings, registry and secret, and what it can be asked."""

    settings: TelemetrySettings
    metrics: Metrics
    secret: bytes = b"none"
    figures: Callable[[], Snapshot] | None = None
    """The merged metrics of all processes; None where they are not to be pushed."""
    message_id: MessageId = _no_id
    """By which the ledger keeps a message."""
    lag_s: Callable[[], float] = _no_lag
    """How far behind the worker is."""

    @property
    def texts(self) -> bool:
        """Whether what people wrote goes out as words."""
        return self.settings.content == "attributes"


@runtime_checkable
class Hosted(Protocol):
    """An exporter that can be attached; `OtlpExporter` is one."""

    def attach(self, host: Host) -> None:
        """Take the host; called once, before the first facts."""
        ...


@runtime_checkable
class Recalling(Protocol):
    """An exporter that late facts find through earlier ones, and that therefore wants to see those after a restart."""

    def recall(self, facts: Sequence[Fact]) -> None:
        """Take facts that were delivered before; nothing is to be sent."""
        ...


@runtime_checkable
class Forgetting(Protocol):
    """An exporter that keeps facts, or what it made of them, longer than a call of `export` takes."""

    def forget(self) -> None:
        """Let go of all texts: somebody's are erased. What was not delivered comes again, without them."""
        ...


def attach(exporter: Exporter, host: Host) -> None:
    """Attach an exporter that wants it; any other is left as it is."""
    if isinstance(exporter, Hosted):
        exporter.attach(host)
