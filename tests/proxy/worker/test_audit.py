"""Which answers come before a reviewer: with known chances, whatever was said of them."""

import msgspec
import pytest

from backtalk.model.chat import Message, Response
from backtalk.model.facts import CallClosed
from backtalk.settings.sampling import AuditSettings
from backtalk.testing import stories
from backtalk.worker.audit import Audit, place_of

SECRET = b"s" * 32


def _audit(*, share: float = 0.2, shares: tuple[str, ...] = (), secret: bytes = SECRET) -> Audit:
    return Audit(AuditSettings(enabled=True, share=share, shares=shares), secret)


def test_as_many_are_drawn_as_the_chance_says_and_it_is_written_down() -> None:
    """Within five standard errors; drawn or not, each has its chance."""
    calls = [_audit().drawn(stories.closed()) for _ in range(3000)]
    assert {call.audit_prob for call in calls} == {0.2}
    drawn = sum(call.audited is True for call in calls)
    assert abs(drawn / 3000 - 0.2) < 5 * (0.2 * 0.8 / 3000) ** 0.5
    assert drawn + sum(call.audited is False for call in calls) == 3000


def test_the_draw_is_the_same_everywhere_and_needs_the_secret() -> None:
    """A repeat after a kill draws the same; nobody outside can tell who is drawn."""
    calls = [stories.closed() for _ in range(200)]
    drawn = [_audit().drawn(call).audited for call in calls]
    assert drawn == [_audit().drawn(call).audited for call in calls]
    assert drawn != [_audit(secret=b"o" * 32).drawn(call).audited for call in calls]
    assert drawn == [place_of(SECRET, call.key) < 0.2 for call in calls]


def test_models_and_routes_may_have_chances_of_their_own() -> None:
    """The first pattern that fits counts, by route or by the model that was asked for."""
    call = stories.closed()
    model = call.opened.request.model
    assert model is not None
    assert _audit(shares=(f"{model[:2]}*=0.5", "*=0.9")).drawn(call).audit_prob == 0.5
    assert _audit(shares=("no-such=0.5",)).drawn(call).audit_prob == 0.2
    routed = msgspec.structs.replace(call, route="cheap")
    assert _audit(shares=("cheap=1",)).drawn(routed).audited is True


def test_an_evaluations_answers_are_nobodys() -> None:
    """A reviewer looks at what users saw."""
    assert _audit(shares=("*=1",)).drawn(stories.closed()).audited is True
    assert _audit(shares=("*=1",)).drawn(stories.closed(call=stories.with_purpose("evaluation"))).audited is None


def test_off_draws_nothing() -> None:
    """Then no call has a chance."""
    call = stories.closed()
    assert Audit(AuditSettings(), SECRET).drawn(call) == call


@pytest.mark.parametrize(
    "changed",
    [
        {"status": 500},
        {"outcome": "client_disconnected"},
        {"response": Response()},
        {"response": Response(choices=(Message("assistant", "x"),), finish_reasons=("tool_calls",))},
    ],
)
def test_what_no_reviewer_could_judge_is_not_drawn(changed: dict[str, object]) -> None:
    """Failures, fragments, and the midst of a task have no chance, and are not counted among those that had."""
    call: CallClosed = msgspec.structs.replace(stories.closed(), **changed)
    assert _audit(share=0.99).drawn(call).audit_prob is None
