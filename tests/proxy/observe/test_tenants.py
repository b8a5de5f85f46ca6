"""Who sends."""

from backtalk.model.ids import keyed_hash
from backtalk.observe.tenants import Tenants

SECRET = b"s" * 32


def test_one_key_is_one_tenant_whichever_header_carries_it() -> None:
    """The scheme's word is no part of the credential."""
    tenants = Tenants(SECRET)
    same = {
        tenants.of([(name, value)])
        for name, value in [
            (b"authorization", b"Bearer sk-1"),
            (b"authorization", b"bearer  sk-1"),
            (b"x-api-key", b"sk-1"),
            (b"api-key", b"sk-1"),
        ]
    }
    assert same == {keyed_hash(SECRET, b"sk-1")}


def test_a_key_in_a_query_or_a_sub_protocol_is_the_same_tenant() -> None:
    """A browser can set no header on a WebSocket; a header goes before both."""
    tenants = Tenants(SECRET)
    offered = [(b"sec-websocket-protocol", b"realtime, openai-insecure-api-key.sk-1, openai-beta.realtime-v1")]
    same = {tenants.of(offered), tenants.of([], "model=m&key=sk-1"), tenants.of([], "api-key=sk%2D1")}
    assert same == {tenants.of([(b"authorization", b"Bearer sk-1")])}
    assert tenants.of([(b"api-key", b"sk-2"), *offered], "key=sk-1") == tenants.of([(b"api-key", b"sk-2")])
    assert tenants.of([(b"sec-websocket-protocol", b"realtime")]) == tenants.of([])


def test_tenants_differ_by_key_and_by_installation() -> None:
    """Nothing follows from a hash of another installation; no credential is one tenant of its own."""
    a, b = Tenants(SECRET), Tenants(b"t" * 32)
    hashes = [a.of([(b"api-key", b"1")]), a.of([(b"api-key", b"2")]), b.of([(b"api-key", b"1")]), a.of([])]
    assert len(set(hashes)) == 4


def test_the_memory_is_bounded_and_forgetting_changes_nothing() -> None:
    """A tenant that fell out gets the same name again."""
    tenants = Tenants(SECRET, limit=2)
    names = [tenants.of_credential(b"%d" % n) for n in range(5)]
    assert [tenants.of_credential(b"%d" % n) for n in range(5)] == names


def test_the_tenant_of_a_virtual_key_that_is_not_known_yet_does_not_last() -> None:
    """Its file may name an owner a moment later; any other credential stays what it is."""
    owners = {b"sk-bt-known": "team"}
    tenants = Tenants(b"s" * 32, owner=owners.get)
    said = [tenants.is_lasting([(b"authorization", key)]) for key in (b"sk-bt-known", b"sk-bt-new", b"sk-theirs")]
    assert said == [True, False, True]
    assert Tenants(b"s" * 32).is_lasting([(b"authorization", b"sk-bt-new")])
