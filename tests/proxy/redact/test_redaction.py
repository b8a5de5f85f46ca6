"""Facts leave with placeholders: as the settings say, of users where asked, and with the same links as before."""

from typing import Any

import msgspec
import pytest

from backtalk.detect.desk import Desk
from backtalk.errors import SetupError
from backtalk.feedback.given import feedback_given
from backtalk.model.facts import Fact, SessionLinked, SignalFound
from backtalk.model.frames import AnyFrame, Attempt
from backtalk.observe.open_calls import OpenCalls
from backtalk.plugin.discovery import load_detectors
from backtalk.redact.redaction import Redaction
from backtalk.session.memory_store import MemorySessionStore
from backtalk.settings import Settings
from backtalk.settings.redaction import RedactSettings
from backtalk.telemetry import Metrics
from backtalk.testing import frames, stories
from backtalk.worker.decider import Decider

CANARY = "canary@example.com"
SECRET = b"s" * 32


def redaction(metrics: Metrics | None = None, **settings: object) -> Redaction:
    """As the settings say."""
    wanted = RedactSettings.model_validate({"enabled": True, **settings})
    made = Redaction.of(wanted, {}, secret=SECRET, metrics=metrics or Metrics("worker"))
    assert made is not None
    return made


def test_off_is_nothing_at_all() -> None:
    """Nobody is asked, nothing is loaded."""
    assert Redaction.of(RedactSettings(patterns=("x=(",)), {}, secret=SECRET, metrics=Metrics("worker")) is None


@pytest.mark.parametrize("settings", [{"patterns": ("x=(",)}, {"finders": ("nobody",)}])
def test_what_cannot_run_is_refused_at_the_start(settings: dict[str, Any]) -> None:
    """A worker that would not redact does not begin."""
    with pytest.raises(SetupError):
        redaction(**settings)


def test_nothing_is_left_of_a_call() -> None:
    """In heads, errors and attempts too; the time is measured."""
    metrics = Metrics("worker")
    redact = redaction(metrics)
    call = stories.opened(asked=CANARY, user_agent=f"bot ({CANARY})", path=f"/v1/{CANARY}")
    call = msgspec.structs.replace(call, request=msgspec.structs.replace(call.request, user=CANARY))
    attempt = Attempt("00f067aa0ba902b7", "main", "raw", 1, 1, error=CANARY)
    arrival = redact.arrival(call)
    end = redact.end(stories.closed(call=arrival, answered=CANARY, error=CANARY, attempts=(attempt,)))
    more = redact.end(stories.closed(call=call), asked_more=True)
    assert CANARY not in str([msgspec.to_builtins(fact) for fact in (arrival, end, more)])
    assert (end.key, end.status) == (call.key, 200)
    assert redact.arrival(arrival) == arrival
    assert metrics.snapshot().value("backtalk.redaction.replaced", kind="email") > 5


def test_nothing_is_left_of_feedback() -> None:
    """Comments, corrections, answers of surveys, rubrics."""
    redact = redaction()
    fact = stories.feedback(
        kind="survey",
        value_json=f'{{"answers":{{"why":"{CANARY}"}}}}',
        comment=CANARY,
        rubric=CANARY,
        target_session_id=CANARY,
    )
    assert CANARY not in str(msgspec.to_builtins(redact.feedback(fact)))


def test_users_are_kept_or_hashed() -> None:
    """By tenant, and once: a name that was hashed stays."""
    call = stories.opened()
    call = msgspec.structs.replace(call, request=msgspec.structs.replace(call.request, user="alice"))
    assert redaction().arrival(call).request.user == "alice"
    hashed = redaction(users=True)
    first = hashed.arrival(call)
    other = hashed.arrival(msgspec.structs.replace(call, tenant="other"))
    assert (first.request.user or "").startswith("user_")
    assert hashed.arrival(first) == first
    assert other.request.user != first.request.user


def test_own_patterns_and_kinds_are_as_set() -> None:
    """Only what is listed is looked for."""
    redact = redaction(kinds=(), patterns=("staff=E-[0-9]{6}",), pseudonyms=False)
    found = redact.arrival(stories.opened(asked=f"{CANARY} is E-123456"))
    assert found.request.messages[0].text == f"{CANARY} is [STAFF]"


def story(redact: Redaction | None) -> list[tuple[object, ...]]:
    """What a worker says of a conversation full of personal data, without the words."""
    metrics = Metrics("worker")
    detectors = load_detectors(Settings().detect.detectors, {})
    desk = Desk(MemorySessionStore(), detectors, secret=SECRET, settings=Settings(), metrics=metrics)
    worker = Decider(OpenCalls("x-session-id", metrics, redaction=redact), desk, feedback_given, metrics)
    facts: list[Fact] = [fact for frame in conversation() for fact in worker.take("proxy", frame)]
    facts += worker.advance(1 << 62)
    assert (CANARY in str([msgspec.to_builtins(fact) for fact in facts])) == (redact is None)
    found: list[tuple[object, ...]] = []
    for fact in facts:
        if isinstance(fact, SessionLinked):
            found.append((fact.key, fact.rule, fact.parent, fact.sibling, fact.confidence))
        elif isinstance(fact, SignalFound):
            found.append((fact.kind, fact.about, fact.shown_by, round(fact.probability, 1)))
    return found


def conversation() -> list[AnyFrame]:
    """Three turns: one asked again, one reworded, and an answer that the person corrected by hand."""
    answers = [f"The mail of Alice is {CANARY}, call +49 171 1234567.", f"Write to {CANARY} before noon.", "Done."]
    edited = answers[1].replace("before noon", "after four o'clock in the afternoon")
    first = [{"role": "user", "content": f"What is the mail address of Alice, is it {CANARY}?"}]
    second = [*first, say("assistant", answers[0]), say("user", f"How do I reach {CANARY} best in the morning?")]
    reworded = [*second[:2], say("user", f"How do I best reach {CANARY} in the mornings?")]
    third = [*reworded, say("assistant", edited), say("user", "No, that is wrong, it is card 4111 1111 1111 1111.")]
    sent: list[AnyFrame] = []
    for number, (asked, answer) in enumerate(
        [(first, answers[0]), (second, answers[1]), (second, answers[1]), (reworded, answers[1]), (third, answers[2])]
    ):
        at_ns = 1_700_000_000_000_000_000 + number * 20_000_000_000
        sent += [*frames.opened(number, at_ns, asked), frames.closed(number, at_ns + 2_000_000_000, answer)]
    return sent


def say(role: str, text: str) -> dict[str, str]:
    """One message."""
    return {"role": role, "content": text}


def test_links_and_signals_are_those_of_the_texts_as_they_were_said() -> None:
    """Equal texts stay equal: turns, repeats, edits and corrections are found as without redaction."""
    told = story(None)
    assert {"regeneration", "assistant_edit"} <= {str(one[0]) for one in told}
    assert story(redaction()) == told
