"""A backend's API: what is sent, and what each answer means."""

import urllib.error

import pytest

from backtalk.plugin import NotThereError, Receiver, RefusedError
from backtalk.testing.annotation_door import annotation_door
from backtalk.testing.sockets import free_port


def test_the_key_the_query_and_the_json_arrive() -> None:
    """What is sent is JSON with the configured headers, and the answer's JSON comes back."""
    with annotation_door() as door:
        door.answer = lambda _: (201, {"id": 7})
        receiver = Receiver(f"{door.url}/base/", {"Authorization": "Bearer k"}, 5.0)
        assert receiver.send("POST", "/v1/things", {"a": "ü"}, {"sync": "true"}) == {"id": 7}
    (sent,) = door.sent
    assert (sent.method, sent.path, sent.body) == ("POST", "/base/v1/things?sync=true", {"a": "ü"})
    assert (sent.headers["authorization"], sent.headers["content-type"]) == ("Bearer k", "application/json")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, NotThereError),
        (400, RefusedError),
        (422, RefusedError),
        (413, RefusedError),
        (401, urllib.error.HTTPError),
        (429, urllib.error.HTTPError),
        (500, urllib.error.HTTPError),
        (302, urllib.error.HTTPError),
    ],
)
def test_a_status_says_whether_to_come_again(status: int, expected: type[Exception]) -> None:
    """404: not yet. 400, 413, 422: never. Anything else may pass: a key that is corrected, a server that recovers."""
    with annotation_door() as door:
        door.answer = lambda _: (status, {"detail": "why"})
        with pytest.raises(expected):
            Receiver(door.url, {}, 5.0).send("GET", "/")


def test_an_answer_without_json_is_none() -> None:
    """A 204 has no body."""
    with annotation_door() as door:
        door.answer = lambda _: (204, None)
        assert Receiver(door.url, {}, 5.0).send("DELETE", "/x") is None


def test_a_server_that_is_away_raises() -> None:
    """So that the batch comes again."""
    with pytest.raises(OSError, match="refused"):
        Receiver(f"http://127.0.0.1:{free_port()}", {}, 1.0).send("GET", "/")
