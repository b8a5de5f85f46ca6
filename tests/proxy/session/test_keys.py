"""Keys: each kind apart, each tenant apart, none readable."""

from backtalk.model.ids import SpanId, TraceId
from backtalk.session import keys

SCOPE = bytes(range(16))
TAGS = (keys.FRONTIER, keys.ANSWER, keys.REQUEST, keys.CHILDREN, keys.SAID, keys.RECENT, keys.CALL)
FEEDBACK_TAGS = (keys.RESPONSE, keys.TRACE, keys.IDEMPOTENCY, keys.USED, keys.TOKEN)


def test_every_kind_of_key_has_its_own_tag() -> None:
    """Two bytes tell what a key is."""
    assert len({*TAGS, *FEEDBACK_TAGS}) == len(TAGS) + len(FEEDBACK_TAGS)
    assert all(len(tag) == 2 for tag in (*TAGS, *FEEDBACK_TAGS))


def test_keys_of_a_scope_share_a_cluster_slot() -> None:
    """What stands in braces decides the slot; the arrival script touches keys of one scope only."""
    slots = {keys.scoped(tag, SCOPE, b"digest of something")[2:12] for tag in TAGS}
    assert len(slots) == 1
    (slot,) = slots
    assert slot[:1] == b"{"
    assert slot[-1:] == b"}"


def test_a_calls_key_is_its_prefix_and_span() -> None:
    """The script builds it so."""
    span = SpanId("0123456789abcdef")
    assert keys.call(SCOPE, span) == keys.call_prefix(SCOPE) + bytes.fromhex(span)


def test_look_ups_depend_on_secret_and_tenant() -> None:
    """A provider's id from another tenant leads nowhere."""
    trace = TraceId("1" * 32)
    names = {keys.response(secret, tenant, "id-1") for secret in (b"a", b"b") for tenant in ("t", "u")}
    names |= {keys.trace(secret, tenant, trace) for secret in (b"a", b"b") for tenant in ("t", "u")}
    assert len(names) == 8
