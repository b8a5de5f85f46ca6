"""What is left of facts that an order of erasure covers."""

import msgspec
import pytest

from backtalk.model.chat import Message, Request
from backtalk.model.facts import CallClosed, CallOpened, Fact
from backtalk.spool.erasures import Order, hash_of
from backtalk.testing import stories
from backtalk.worker.tombstones import Tombstones

SECRET = b"s" * 32
CANARY = "kanarienvogel"
AT_NS = 1_800_000_000_000_000_000


def order(by: str, subject: str, **fields: object) -> Order:
    """An order."""
    plain = {"id": "1", "by": by, "asked_ns": AT_NS, "actor": "me", "reason": "asked for"}
    hashed = hash_of(SECRET, by, subject)  # type: ignore[arg-type]
    return msgspec.convert({**plain, "subject_hash": hashed, **fields}, Order)


def call(*, user: str | None = None, session: str | None = None) -> CallOpened:
    """A call that says the canary."""
    request = Request(
        model="m", messages=(Message("user", CANARY),), user=user, declared_session=session, params_json=f'"{CANARY}"'
    )
    return msgspec.structs.replace(stories.opened(), request=request)


def end(opened: CallOpened, **fields: object) -> CallClosed:
    """Its end, with the canary in what was answered."""
    return stories.closed(call=opened, answered=CANARY, **fields)


def text_of(facts: list[Fact]) -> str:
    """Everything they say."""
    return str([msgspec.to_builtins(fact) for fact in facts])


@pytest.mark.parametrize(("by", "fields"), [("user", {"user": "Alice"}), ("session", {"session": "Alice"})])
def test_a_named_person_is_known_by_a_hash(by: str, fields: dict[str, str]) -> None:
    """Arrivals and ends lose every text and the name; numbers and ids stay."""
    stones, mine = Tombstones(SECRET, [order(by, "Alice")]), end(call(**fields))
    found = stones.facts([stones.arrival(mine.opened), stones.end(mine)])
    assert CANARY not in text_of(found)
    assert "Alice" not in text_of(found)
    ended = found[1]
    assert isinstance(ended, CallClosed)
    assert (ended.key, ended.status, ended.erased_ns, ended.opened.request.model) == (mine.key, 200, AT_NS, "m")
    other = end(call(user="Bob"))
    assert stones.facts([other]) == [other]


def test_a_conversation_that_goes_on_is_known_by_its_session() -> None:
    """From its link on: the end, and what it shows of others, are without texts; Redis is told of the call later."""
    mine, other = end(call(), session_id="5e55"), end(call(), session_id="other")
    stones = Tombstones(SECRET, [order("user", "Alice", session_ids=["5e55"])])
    link = stories.linked(mine.opened, session_id="5e55", evidence={"shown_text": CANARY, "gap_s": 3.0})
    shown = stories.signal(other.key, mine.key, evidence={"edited_text": CANARY, "after_s": 1.0})
    found = stones.facts([link, mine, shown])
    assert CANARY not in text_of(found)
    assert found[2] == msgspec.structs.replace(shown, evidence={"after_s": 1.0})
    assert stones.late == {mine.key.span_id}
    assert stones.facts([other]) == [other]


def test_feedback_about_an_erased_call_or_by_an_erased_person_loses_its_words() -> None:
    """A rating stays one."""
    stones = Tombstones(
        SECRET,
        [
            order("rater", "Alice"),
            order("user", "x", raters=["pseudonym"]),
            order("session", "s", trace_ids=["a" * 32], response_ids=["r"]),
            order("trace", "b" * 32),
        ],
    )
    by_alice = stories.feedback(target_trace_id="c" * 32, comment=CANARY, rater="Alice")
    about = [
        stories.feedback(comment=CANARY, **{name: value})
        for name, value in (
            ("target_trace_id", "a" * 32),
            ("target_response_id", "r"),
            ("target_session_id", "s"),
            ("target_trace_id", "b" * 32),
        )
    ]
    better = stories.feedback(target_trace_id="a" * 32, kind="correction", value_json=f'"{CANARY}"')
    found = stones.facts([by_alice, *about, better])
    assert CANARY not in text_of(found)
    assert [getattr(fact, "value_json", "") for fact in found] == ["false"] * 5 + ["null"]
    free = stories.feedback(target_trace_id="d" * 32, comment="hello", rater="Bob")
    assert stones.facts([free]) == [free]


def test_an_order_of_one_tenant_is_nothing_to_another() -> None:
    """The same user id may be somebody else's there."""
    stones = Tombstones(SECRET, [order("user", "Alice", tenant="acme")])
    mine, strange = call(user="Alice"), msgspec.structs.replace(call(user="Alice"), tenant="evil")
    assert stones.arrival(mine) != mine
    assert stones.arrival(strange) == strange


@pytest.mark.parametrize(
    ("named", "field", "name"),
    [
        ("trace_ids", "target_trace_id", "a" * 32),
        ("response_ids", "target_response_id", "chatcmpl-417"),
        ("session_ids", "target_session_id", "s"),
    ],
)
def test_ids_that_another_tenant_has_too_take_nothing_from_it(named: str, field: str, name: str) -> None:
    """Clients choose trace ids and small servers count responses: who is erased takes no other tenant's words along."""
    own = {"tenant": "acme", field: name}
    mine = stories.feedback(comment=CANARY, **own)
    strange = stories.feedback(comment="hello", **{**own, "tenant": "other"})
    stones = Tombstones(SECRET, [order("user", "Alice", tenants=["acme"], **{named: [name]})])
    assert CANARY not in text_of(stones.facts([mine]))
    assert stones.facts([strange]) == [strange]
    stones.add(order("user", "Bob", tenants=["other"], **{named: [name]}))
    assert "hello" not in text_of(stones.facts([strange]))
    assert CANARY not in text_of(stones.facts([mine])), "the order before still holds"


def test_without_orders_nothing_is_looked_at() -> None:
    """Facts pass as they are."""
    stones, mine = Tombstones(SECRET, []), end(call(user="Alice"))
    assert stones.arrival(mine.opened) is mine.opened
    assert stones.facts([mine])[0] is mine
