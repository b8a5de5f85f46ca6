"""Hashes of addresses: stable, keyed, and bounded in memory."""

from backtalk.observe.clients import MOST, ClientHashes


def test_an_address_has_one_hash_that_needs_the_secret() -> None:
    """Equal within an installation, another elsewhere, and without the address in it."""
    hashes = ClientHashes(b"a" * 32)
    assert hashes["10.0.0.1"] == hashes["10.0.0.1"] == ClientHashes(b"a" * 32)["10.0.0.1"]
    assert hashes["10.0.0.1"] != hashes["10.0.0.2"]
    assert hashes["10.0.0.1"] != ClientHashes(b"b" * 32)["10.0.0.1"]


def test_many_addresses_do_not_fill_the_memory() -> None:
    """The oldest are made anew, and are the same."""
    hashes = ClientHashes(b"a" * 32)
    first = hashes["0"]
    for n in range(MOST + 10):
        assert hashes[str(n)]
    assert len(hashes) == MOST
    assert hashes["0"] == first
