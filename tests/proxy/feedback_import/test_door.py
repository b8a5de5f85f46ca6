"""The public door, as an import goes through it."""

import json
from typing import Any

import pytest

from backtalk.errors import RequestError, StoreError
from backtalk.feedback_import.door import Door, Taken
from backtalk.testing.batch_door import ListeningDoor


def item(number: int, value: object = 1) -> bytes:
    """One feedback as JSON."""
    return json.dumps({"id": f"import-{number:032x}", "value": value}).encode()


def opened(listening: ListeningDoor, **options: Any) -> tuple[Door, list[float]]:
    """A door, and how long it has waited each time, in no time."""
    waited: list[float] = []
    return Door(listening.url, "sk-1", wait=waited.append, **options), waited


def test_each_of_a_batch_has_its_own_reply(listening: ListeningDoor) -> None:
    """In order, over one connection, with the credential."""
    door, waited = opened(listening)
    first = door.send([item(1), item(2, "refuse"), item(1)])
    door.close()
    assert first == [
        Taken(f"{1:032x}"),
        Taken("", code="invalid_field", reason="value is wrong"),
        Taken(f"{1:032x}", duplicate=True),
    ]
    assert listening.headers[0]["authorization"] == "Bearer sk-1"
    assert waited == []


def test_a_busy_door_is_asked_again_when_it_says(listening: ListeningDoor) -> None:
    """Nothing is lost and nothing is refused for it."""
    listening.plan = lambda number: (503, {"error": {"message": "full"}}) if number < 3 else None
    door, waited = opened(listening)
    assert door.send([item(1)]) == [Taken(f"{1:032x}")]
    door.close()
    assert waited == [7, 7]


def test_what_the_disk_did_not_take_is_sent_again_alone(listening: ListeningDoor) -> None:
    """The others of the batch are not."""
    full = {"error": {"type": "store_error", "code": "spool_full", "message": "full"}}
    listening.plan = lambda number: (207, {"items": [{"feedback_id": f"{1:032x}"}, full]}) if number == 1 else None
    door, _ = opened(listening)
    assert door.send([item(1), item(2)]) == [Taken(f"{1:032x}"), Taken(f"{2:032x}")]
    door.close()
    assert [len(body["items"]) for body in listening.bodies] == [2, 1]


def test_an_answer_that_never_came_is_asked_for_again(listening: ListeningDoor) -> None:
    """It was taken the first time, and counts once by its id."""
    listening.cut = frozenset({1})
    door, _ = opened(listening)
    assert door.send([item(1)]) == [Taken(f"{1:032x}", duplicate=True)]
    door.close()


def test_a_door_that_stays_shut_ends_the_import_with_what_to_do(listening: ListeningDoor) -> None:
    """After its patience, not before."""
    listening.plan = lambda _: (503, {})
    door, waited = opened(listening, patience_s=20)
    with pytest.raises(StoreError, match="has taken nothing for 21 s; run the same command to go on"):
        door.send([item(1)])
    door.close()
    assert waited == [7, 7, 7]


def test_nobody_at_the_door_is_a_shut_door() -> None:
    """A server that is not there may come back."""
    waited: list[float] = []
    door = Door("http://127.0.0.1:9", None, wait=waited.append, patience_s=1)
    with pytest.raises(StoreError, match="run the same command to go on"):
        door.send([item(1)])
    assert waited[:2] == [0.25, 0.5]


def test_a_body_that_is_refused_is_halved_until_it_is_known_why(listening: ListeningDoor) -> None:
    """One that is too large takes no other with it."""
    door, _ = opened(listening)
    found = door.send([item(1), item(2), item(3, "large"), item(4), item(5)])
    door.close()
    assert [one.reason for one in found] == ["", "", "413: too large", "", ""]


def test_a_refused_credential_ends_the_import(listening: ListeningDoor) -> None:
    """Every other row would be refused as well."""
    listening.plan = lambda _: (401, {"error": {"message": "this key is revoked"}})
    door, _ = opened(listening)
    with pytest.raises(RequestError, match="401: this key is revoked"):
        door.send([item(1)])
    door.close()


def test_a_dry_run_says_so_in_every_body(listening: ListeningDoor) -> None:
    """The door keeps nothing of it."""
    door, _ = opened(listening, dryrun=True)
    door.send([item(1)])
    door.close()
    assert listening.bodies[0]["dryrun"] is True


def test_an_address_that_is_none_is_refused() -> None:
    """Before anything is read."""
    with pytest.raises(RequestError, match="no http or https address"):
        Door("localhost:8080", None).send([item(1)])
