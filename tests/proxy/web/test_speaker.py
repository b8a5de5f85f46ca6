"""Who speaks, told by the credential."""

from pathlib import Path

import pytest

from backtalk import virtual_keys
from backtalk.errors import RequestError
from backtalk.feedback.admission import Speaker
from backtalk.observe.tenants import Tenants
from backtalk.virtual_keys import KeyRing
from backtalk.web.speaker import Speakers

_SECRET = b"s" * 32


def _speakers(data_dir: Path) -> tuple[Speakers, Tenants]:
    ring = KeyRing(data_dir)
    tenants = Tenants(_SECRET, owner=ring.admitted)
    return Speakers(tenants, source="system", find=ring.find), tenants


def _bearer(credential: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {credential}".encode())]


def test_a_virtual_key_speaks_for_its_source(tmp_path: Path) -> None:
    """The key's own source stands before the one of the settings, and its id is kept."""
    reviewer = virtual_keys.create(tmp_path, "ann", tenant="acme", feedback_source="reviewer")
    plain = virtual_keys.create(tmp_path, "app", tenant="acme")
    speakers, _ = _speakers(tmp_path)
    first, second = speakers.of(_bearer(reviewer.credential)), speakers.of(_bearer(plain.credential))
    assert (first.source, first.key_id, first.channel) == ("reviewer", reviewer.key.id, "api")
    assert (second.source, second.key_id) == ("system", plain.key.id)
    assert first.tenant == second.tenant


def test_any_other_credential_speaks_as_the_settings_say(tmp_path: Path) -> None:
    """No key of ours, no source of its own."""
    speakers, tenants = _speakers(tmp_path)
    assert speakers.of(_bearer("sk-other")) == Speaker(tenants.of(_bearer("sk-other")), "system")
    assert speakers.of([]) == Speaker(tenants.of([]), "system")


def test_a_revoked_key_speaks_for_nobody(tmp_path: Path) -> None:
    """Its feedback is refused, not taken under the default."""
    made = virtual_keys.create(tmp_path, "ann", feedback_source="reviewer")
    virtual_keys.revoke(tmp_path, "ann")
    with pytest.raises(RequestError, match="revoked"):
        _speakers(tmp_path)[0].of(_bearer(made.credential))
