"""Redacts facts: the worker's first step, between the spool's frames and everything else.

In: calls as they arrive and end, and feedback. Out: the same facts with placeholders. The one rule: redacting twice is
redacting once, so a frame that is read again after a restart gives the same fact.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import msgspec

from backtalk.clock import NS_PER_S, monotonic_ns
from backtalk.model.facts import CallClosed, CallOpened, FeedbackGiven
from backtalk.model.ids import keyed_hash
from backtalk.model.meter import Meter
from backtalk.plugin.discovery import load_finders
from backtalk.plugin.protocols import Finder
from backtalk.redact.finding import Patterns
from backtalk.redact.messages import Messages
from backtalk.redact.patterns import BUILT_IN, Pattern
from backtalk.redact.texts import Texts
from backtalk.settings.redaction import RedactSettings, read_pattern

_USER: Final = "user_"
"""With what the keyed hash of a user's name begins."""


class Redaction:
    """Redacts for one worker; used by one thread."""

    def __init__(self, finders: Sequence[Finder], settings: RedactSettings, secret: bytes, metrics: Meter) -> None:
        self._texts = Texts(finders, secret, metrics, pseudonyms=settings.pseudonyms)
        self._users = settings.users
        self._secret = secret
        self._metrics = metrics

    @classmethod
    def of(
        cls,
        settings: RedactSettings,
        plugin_settings: Mapping[str, Mapping[str, Any]],
        *,
        secret: bytes,
        metrics: Meter,
    ) -> Self | None:
        """As the settings say; None where redaction is off. Raises `SetupError` for what cannot run."""
        if not settings.enabled:
            return None
        own = [Pattern(*read_pattern(entry)) for entry in settings.patterns]
        patterns = Patterns([*(BUILT_IN[kind] for kind in settings.kinds), *own])
        plugins = load_finders(settings.finders, plugin_settings)
        return cls([patterns, *plugins], settings, secret, metrics)

    def arrival(self, call: CallOpened) -> CallOpened:
        """A call that has arrived, before anybody compares its texts."""
        started_ns = monotonic_ns()
        redact = Messages(self._texts, call.tenant)
        request = redact.request(call.request)
        request = msgspec.structs.replace(request, user=self._user(call.tenant, request.user))
        found = msgspec.structs.replace(
            call,
            request=request,
            path=redact.maybe(call.path) or "",
            user_agent=redact.maybe(call.user_agent) or "",
        )
        self._took(started_ns)
        return found

    def end(self, call: CallClosed, *, asked_more: bool = False) -> CallClosed:
        """A call that has ended; what it asked was redacted at its arrival, unless it `asked_more` since."""
        started_ns = monotonic_ns()
        redact = Messages(self._texts, call.opened.tenant)
        attempts = tuple(msgspec.structs.replace(one, error=redact.maybe(one.error)) for one in call.attempts)
        found = msgspec.structs.replace(
            call, response=redact.response(call.response), error=redact.maybe(call.error), attempts=attempts
        )
        self._took(started_ns)
        return msgspec.structs.replace(found, opened=self.arrival(found.opened)) if asked_more else found

    def feedback(self, fact: FeedbackGiven) -> FeedbackGiven:
        """What somebody said; who it was is a keyed hash already."""
        redact = Messages(self._texts, fact.tenant)
        return msgspec.structs.replace(
            fact,
            value_json=self._texts.json(fact.tenant, fact.value_json),
            comment=redact.maybe(fact.comment),
            rubric=redact.maybe(fact.rubric),
            target_session_id=redact.maybe(fact.target_session_id),
        )

    def _user(self, tenant: str, name: str | None) -> str | None:
        if name is None or not self._users:
            return name if name is None else self._texts.text(tenant, name)
        if name.startswith(_USER):
            return name
        return _USER + keyed_hash(self._secret, b"user", tenant.encode(), name.encode(errors="replace"))

    def _took(self, started_ns: int) -> None:
        self._metrics.record("backtalk.redaction.duration", (monotonic_ns() - started_ns) / NS_PER_S)
