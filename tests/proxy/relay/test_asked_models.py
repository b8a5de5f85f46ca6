"""Every model that a request could be read as asking for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.exchange import RequestHead
from backtalk.relay.asked_models import asked_by_body, asked_by_head

keys = st.sampled_from(["model", "Model", "MODEL", "models", "a", "x model"])
JSON = b"application/json"


def head(path: str = "/v1/chat/completions", query: bytes = b"", content_type: bytes = JSON) -> RequestHead:
    """A request's head."""
    fields = [(b"content-type", content_type)]
    return RequestHead("POST", path, path.encode(), query, fields, dict(fields))


@given(pairs=st.lists(st.tuples(keys, st.sampled_from(["one", "two", "ü"]))), ascii_only=st.booleans())
def test_every_value_of_a_repeated_key_is_named(pairs: list[tuple[str, str]], ascii_only: bool) -> None:
    """Some servers take the first, some the last, some any case: all of them are asked for."""
    body = ",".join(json.dumps({k: v}, ensure_ascii=ascii_only)[1:-1] for k, v in pairs)
    expected = [value for key, value in pairs if key.lower() in ("model", "models")]
    assert asked_by_body(head(), f"{{{body}}}".encode(), whole=True) == expected


@given(body=st.binary(max_size=40), kind=st.sampled_from([JSON, b"multipart/form-data; boundary=b", b""]))
def test_any_bytes_are_named_or_not(body: bytes, kind: bytes) -> None:
    """What cannot be read is None, never an exception."""
    named = asked_by_body(head(content_type=kind), body, whole=True)
    assert named is None or kind.startswith(b"multipart") or isinstance(json.loads(body), dict)


def test_a_part_of_a_body_names_nothing() -> None:
    """What follows could name another model."""
    assert asked_by_body(head(), b'{"model": "m"}', whole=False) is None


@pytest.mark.parametrize(
    "part",
    [
        b"Content-Disposition: form-data; NAME = model ; x",
        b"content-disposition: form-data; name='model'",
        b'content-disposition: form-data; filename="name.wav"; name="mo\\del"',
    ],
)
def test_a_part_is_known_by_any_spelling_of_its_name(part: bytes) -> None:
    """As form parsers read it."""
    body = b"--b\r\n" + part + b"\r\n\r\nbig\r\n--b--"
    assert asked_by_body(head(content_type=b"multipart/form-data; boundary=b"), body, whole=True) == ["big"]


@pytest.mark.parametrize(
    ("path", "query", "models"),
    [
        ("/openai/deployments/d/chat/completions", b"api-version=1", ["d"]),
        ("/v1/realtime", b"model=a&MODEL=b%2Dc", ["a", "b-c"]),
        ("/v1/models", b"", []),
    ],
)
def test_path_and_query_name_models_too(path: str, query: bytes, models: list[str]) -> None:
    """Azure's deployments, and sockets, which have no body."""
    assert asked_by_head(head(path, query)) == models
