"""Facts become spans and events: which, with which words, and what late facts bring."""

from typing import Any

from opentelemetry.trace import format_span_id

from backtalk.export.host import Host
from backtalk.export.origin import origin
from backtalk.export.translation import Records, Translation
from backtalk.model.chat import Message
from backtalk.model.erased import Erased
from backtalk.model.facts import CallClosed, Fact
from backtalk.model.feedback import CallNamed
from backtalk.settings import TelemetrySettings
from backtalk.telemetry import Metrics
from backtalk.testing.facts import closed_call, feedback, opened_call, signal


def _message_id(tenant: str, message: Message) -> str:
    return f"{tenant}:{message.role}"


class World:
    """A translation and the registry it counts in."""

    def __init__(self, *, lag_s: float = 0.0, **settings: Any) -> None:
        self.metrics = Metrics()
        self.lag_s = lag_s
        host = Host(
            TelemetrySettings(**settings),
            self.metrics,
            b"secret",
            message_id=_message_id,
            lag_s=lambda: self.lag_s,
        )
        self.translation = Translation(origin(), host)

    def of(self, *facts: Fact) -> Records:
        """The records of several facts."""
        found = Records([], [])
        for fact in facts:
            spans, events = self.translation.of(fact)
            found.spans.extend(spans)
            found.events.extend(events)
        return found

    def count(self, name: str, **labels: str) -> float:
        """A figure."""
        return self.metrics.snapshot().value(name, **labels)


def _names(records: Records) -> list[str]:
    return [span.name for span in records.spans]


def _attributes(records: Records, name: str) -> dict[str, Any]:
    (found,) = (span for span in records.spans if span.name == name)
    return dict(found.attributes or {})


CHAT, SERVER, CARRIER = "chat m1", "POST /v1/chat/completions", "signal regeneration"


def test_call_without_anything_remarkable_is_left_out_until_something_is_said() -> None:
    """Then its spans come, with the times and ids they would have had, and its words."""
    world, call = World(call_share=0, content="attributes"), closed_call()
    assert world.of(call).spans == []
    late = world.of(signal(call.key))
    assert _names(late) == [SERVER, CHAT, CARRIER]
    found = _attributes(late, CHAT)
    assert (found["backtalk.sampling.reason"], found["backtalk.sampling.probability"]) == ("signal", 1.0)
    assert "The sky." in found["gen_ai.output.messages"]
    assert late.spans[1].end_time == call.opened.opened_ns + call.duration_ns
    assert world.of(signal(call.key)).spans[0].name == CARRIER
    assert world.count("backtalk.export.calls", result="held") == 1
    assert world.count("backtalk.export.calls", result="signal") == 1


def test_feedback_by_any_key_brings_the_call_to_light() -> None:
    """By response id, by trace, by session; and a ranking every call that it names."""
    for key in ("target_response_id", "target_trace_id", "target_session_id"):
        world, call = World(call_share=0), closed_call()
        world.of(call)
        named = {"target_response_id": call.response.id, "target_trace_id": call.opened.trace_id}
        named["target_session_id"] = "s1"
        late = world.of(feedback(**{key: named[key]}))
        assert CHAT in _names(late), key
        assert _attributes(late, CHAT)["backtalk.sampling.reason"] == "feedback"


def test_feedback_of_another_tenant_brings_nothing_to_light() -> None:
    """Nor is it linked to a call that is not its own."""
    world, call = World(call_share=0, content="attributes"), closed_call()
    world.of(call)
    for target in (
        {"target_trace_id": call.opened.trace_id, "target_span_id": call.opened.span_id},
        {"target_response_id": call.response.id},
        {"target_session_id": "s1"},
    ):
        late = world.of(feedback(tenant="t2", **target))
        assert _names(late) == ["feedback user_feedback"]
        assert late.spans[0].links == ()
        assert "sky" not in str(late.spans[0].attributes)


def test_errors_are_never_left_out() -> None:
    """With their words."""
    world = World(call_share=0, content_share=0, content="attributes")
    found = _attributes(world.of(closed_call(status=500)), CHAT)
    assert found["backtalk.sampling.reason"] == "error"
    assert "gen_ai.input.messages" in found


def test_words_that_were_left_out_come_with_the_carrier() -> None:
    """Metadata was whole; the words follow once somebody minds, and only once."""
    world, call = World(content_share=0, content="attributes"), closed_call()
    found = _attributes(world.of(call), CHAT)
    assert found["backtalk.content.left_out"] == "share"
    assert "gen_ai.input.messages" not in found
    late = world.of(signal(call.key))
    assert _names(late) == [CARRIER]
    assert "The sky." in _attributes(late, CARRIER)["backtalk.target.output.messages"]
    assert "backtalk.target.output.messages" not in _attributes(world.of(signal(call.key)), CARRIER)


def test_words_that_were_left_out_come_as_an_event_where_that_is_wanted() -> None:
    """Beside the verdict's own event."""
    world, call = World(content_share=0, content="attributes", late_content="event"), closed_call()
    world.of(call)
    late = world.of(feedback(target_response_id=call.response.id))
    assert [event.log_record.event_name for event in late.events] == [
        "gen_ai.client.inference.operation.details",
        "gen_ai.evaluation.result",
    ]
    assert "output.messages" not in str(late.spans[0].attributes)


def test_words_stay_out_where_nobody_wants_them_late() -> None:
    """Nothing is held for it either."""
    world, call = World(content_share=0, content="attributes", late_content="off"), closed_call()
    world.of(call)
    world.translation.report()
    assert world.count("backtalk.export.held") == 0
    assert "output.messages" not in str(world.of(signal(call.key)).spans[0].attributes)


def test_words_are_left_off_while_the_worker_lags_and_that_is_counted() -> None:
    """The second thing to be shed, after the comparison of texts; the call is told of, and says so."""
    world, call = World(lag_s=21.0, content="attributes"), closed_call()
    found = _attributes(world.of(call), CHAT)
    assert found["backtalk.content.left_out"] == "lag"
    assert "gen_ai.input.messages" not in found
    assert world.count("backtalk.worker.shed", what="content") == 1
    world.lag_s = 0.0
    assert "backtalk.target.output.messages" in _attributes(world.of(signal(call.key)), CARRIER)
    assert "gen_ai.input.messages" in _attributes(world.of(closed_call()), CHAT)
    assert World(lag_s=21.0).of(call).spans[1].attributes is not None


def test_references_are_never_left_out() -> None:
    """They are small, and say nothing."""
    world = World(content="reference", content_share=0)
    found = _attributes(world.of(closed_call()), CHAT)
    assert found["backtalk.input.message_ids"] == ("t1:user",)
    assert "backtalk.content.left_out" not in found


def test_what_is_held_is_bounded_and_said() -> None:
    """How many wait, and how many waited for nothing."""
    world = World(call_share=0, held_bytes=10_000)
    world.of(*(closed_call() for _ in range(50)))
    world.translation.report()
    held = world.count("backtalk.export.held")
    assert 3 < held < 20
    assert world.count("backtalk.export.unheld", reason="room") == 50 - held


def test_child_ends_where_the_judged_call_ended() -> None:
    """In the judged trace, and the trace lasts no longer for it; off by default."""
    call = closed_call()
    assert _names(World().of(call, signal(call.key))) == [SERVER, CHAT, CARRIER]
    world = World(verdict_child=True)
    *_, carrier, child = world.of(call, signal(call.key)).spans
    assert child.name == carrier.name == CARRIER
    assert child.parent is not None
    assert format_span_id(child.parent.span_id) == call.opened.span_id
    assert child.context is not None
    assert child.context.trace_id == int(call.opened.trace_id, 16)
    assert child.start_time == child.end_time == call.opened.opened_ns + call.duration_ns
    assert _names(world.of(signal(closed_call().key))) == [CARRIER]


def test_what_a_life_before_knew_is_known_again() -> None:
    """The past is told to it: calls by their response ids, and those that were held, but not what was given back."""
    first, second = World(call_share=0), World(call_share=0)
    given, held = closed_call(), closed_call()
    past: tuple[Fact, ...] = (given, held, signal(given.key))
    first.of(*past)
    for fact in past:
        second.translation.recall(fact)
    for world in (first, second):
        late = world.of(feedback(target_response_id=held.response.id), feedback(target_response_id=given.response.id))
        assert _names(late) == [SERVER, CHAT, "feedback user_feedback", "feedback user_feedback"]
        assert [len(span.links) for span in late.spans[2:]] == [1, 1]
    assert second.count("backtalk.export.calls", result="held") == 0


def test_ranking_brings_every_call_to_light_that_it_names() -> None:
    """Each was compared, so each is worth a look."""
    world = World(call_share=0)
    calls: list[CallClosed] = [closed_call(opened=opened_call()) for _ in range(3)]
    world.of(*calls)
    named = (
        CallNamed(trace_id=calls[0].opened.trace_id, span_id=calls[0].opened.span_id),
        CallNamed(response_id=calls[1].response.id),
    )
    late = world.of(feedback(kind="ranking", value_json="{}", calls=named))
    assert _names(late).count(CHAT) == 2


def test_what_is_to_be_erased_is_held_no_longer() -> None:
    """Whose it is cannot be told from the tombstone, so all of the tenant's goes."""
    for tenant, left in (("t1", 0), ("t2", 1), (None, 0)):
        world, call = World(call_share=0, content="attributes"), closed_call()
        world.of(call, Erased("e1", "user", "hash", 1, "admin", "asked", tenant))
        assert (CHAT in _names(world.of(signal(call.key)))) == bool(left)
        assert world.count("backtalk.export.unheld", reason="erased") == 1 - left
