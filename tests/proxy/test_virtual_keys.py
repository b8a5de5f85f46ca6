"""Virtual keys in their file: made, found, revoked; never shown again."""

import threading
from pathlib import Path

import pytest

from backtalk import virtual_keys
from backtalk.errors import RequestError, SetupError
from backtalk.virtual_keys import FILE, PREFIX, KeyRing, VirtualKey, create, credential, revoke, sent


def test_a_key_is_found_by_its_credential_and_kept_as_its_hash(tmp_path: Path) -> None:
    """The file has no part of it, and only its owner can read the file."""
    made = create(tmp_path, "app", tenant="team", requests_per_minute=7)
    assert made.credential.startswith(PREFIX)
    assert KeyRing(tmp_path).find(made.credential) == made.key
    assert (made.key.tenant, made.key.requests_per_minute) == ("team", 7)
    assert made.credential[len(PREFIX) :] not in (tmp_path / FILE).read_text(encoding="utf-8")
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_name_owns_itself_and_is_taken_once(tmp_path: Path) -> None:
    """Without a tenant the name is one; a revoked key frees its name."""
    assert create(tmp_path, "app").key.tenant == "app"
    with pytest.raises(SetupError, match="there is a key 'app' already"):
        create(tmp_path, "app")
    revoke(tmp_path, "app")
    create(tmp_path, "app")


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_revoked_key_is_known_and_refused(tmp_path: Path, by: str) -> None:
    """It is still found, so that whoever uses it can be told."""
    made = create(tmp_path, "app")
    revoke(tmp_path, getattr(made.key, by))
    key = KeyRing(tmp_path).find(made.credential)
    assert key is not None
    assert key.refusal(0) == "revoked"
    with pytest.raises(SetupError, match="there is no key"):
        revoke(tmp_path, "app")


def test_a_key_expires_at_its_instant() -> None:
    """Not before, and from then on."""
    key = VirtualKey("i", "n", "t", "h", 0, expires_ns=100)
    assert (key.refusal(99), key.refusal(100)) == (None, "expired")


@pytest.mark.parametrize(
    ("model", "may"), [("gpt-5", True), ("claude-4", True), ("gpt-55", False), ("", False), (None, False)]
)
def test_a_key_may_ask_for_its_models_alone(model: str | None, may: bool) -> None:
    """`*` stands for anything; what cannot be read is nothing that it may ask for."""
    assert VirtualKey("i", "n", "t", "h", 0, models=("gpt-5", "claude-*")).may_ask(model) is may
    assert VirtualKey("i", "n", "t", "h", 0).may_ask(model)


def test_a_ring_reads_a_changed_file_again_and_survives_a_broken_one(tmp_path: Path) -> None:
    """What it knew stays known until there is something better."""
    ring = KeyRing(tmp_path)
    assert not ring
    made = create(tmp_path, "app")
    assert ring.refresh()
    assert not ring.refresh()
    assert ring.find(made.credential) is not None
    (tmp_path / FILE).write_text("{", encoding="utf-8")
    assert not ring.refresh()
    assert ring.find(made.credential) is not None


@pytest.mark.parametrize("text", ["", "{", '{"keys": [{}]}', "[]"])
def test_a_file_that_cannot_be_read_is_no_empty_ring(tmp_path: Path, text: str) -> None:
    """A process that begins without the keys would let everybody in; one without a file has none."""
    assert not KeyRing.open(tmp_path)
    (tmp_path / FILE).write_text(text)
    with pytest.raises(SetupError, match="cannot be read as a file of keys"):
        KeyRing.open(tmp_path)


def test_keys_made_at_the_same_moment_are_all_kept(tmp_path: Path) -> None:
    """Writers wait for each other."""
    threads = [threading.Thread(target=create, args=(tmp_path, f"app{n}")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.name for key in KeyRing(tmp_path).keys} == {f"app{n}" for n in range(8)}


def test_other_credentials_are_no_keys_of_ours(tmp_path: Path) -> None:
    """A provider's key is not looked up, nor is half a key."""
    made = create(tmp_path, "app")
    ring = KeyRing(tmp_path)
    assert ring.find("sk-proj-1") is None
    assert ring.find(made.credential[:-1]) is None
    assert (ring.owner(b"Bearer " + made.credential.encode()), ring.owner(b"Bearer sk-1")) == ("app", None)


def test_a_credential_is_read_from_any_of_its_headers() -> None:
    """With or without the word Bearer; the first of them counts."""
    assert credential(b"bearer  k ") == "k"
    assert sent({b"api-key": b"k"}) == "k"
    assert sent({b"x-api-key": b"b", b"authorization": b"Bearer a"}) == "a"
    assert sent({b"accept": b"*"}) is None


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The error names it."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SetupError, match=r"cannot keep keys\.json"):
        create(tmp_path / "file", "app")
    assert virtual_keys.digest("a") != virtual_keys.digest("b")


def test_who_is_not_to_be_taken_owns_nothing(tmp_path: Path) -> None:
    """A revoked, an expired and an unknown key speak for nobody; credentials of others are none of ours."""
    good, revoked = create(tmp_path, "good", tenant="team"), create(tmp_path, "revoked")
    expired = create(tmp_path, "expired", expires_ns=1)
    revoke(tmp_path, "revoked")
    ring = KeyRing(tmp_path)
    assert ring.admitted(f"Bearer {good.credential}".encode()) == "team"
    assert ring.admitted(b"Bearer sk-theirs") is None
    for credential_ in (revoked.credential, expired.credential, "sk-bt-nobody"):
        with pytest.raises(RequestError, match=r"this key is (revoked|expired|not known here)"):
            ring.admitted(credential_.encode())
