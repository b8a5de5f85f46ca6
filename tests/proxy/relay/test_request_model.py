"""The model in a request's bytes: read, and replaced without touching anything else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.relay.request_model import asked_model, with_model

JSON = b"application/json"
FORM = b'multipart/form-data; boundary="B b"'
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["model", '"model":"x"', "m"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "a", '"', "\\"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(
    before=st.dictionaries(st.text(max_size=8).filter(lambda key: key != "model"), values, max_size=3),
    after=st.dictionaries(st.text(max_size=8).filter(lambda key: key != "model"), values, max_size=3),
    model=st.text(min_size=1, max_size=20),
    new=st.text(max_size=20),
    ascii_only=st.booleans(),
    indent=st.none() | st.integers(0, 2),
)
def test_only_the_value_is_another(
    before: dict[str, Any], after: dict[str, Any], model: str, new: str, ascii_only: bool, indent: int | None
) -> None:
    """Whatever else a body holds, the renamed one differs in the outermost `model` alone, byte for byte."""
    asked = {**{k: v for k, v in before.items() if k not in after}, "model": model, **after}
    body = json.dumps(asked, ensure_ascii=ascii_only, indent=indent).encode()
    assert asked_model(JSON, body) == model
    renamed = with_model(JSON, body, new)
    assert json.loads(renamed) == {**asked, "model": new}
    was = json.dumps(model, ensure_ascii=ascii_only).encode()
    assert len(body) - len(was) == len(renamed) - len(json.dumps(new, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (b'{"model":"a"}', "a"),
        (b'{"model":"a","model":"b"}', "b"),
        (b'{"m\\u006fdel":"a"}', "a"),
        (b'{"x":{"model":"a"}}', None),
        (b'[{"model":"a"}]', None),
        (b'{"model":null}', None),
        (b'{"model":["a"]}', None),
        (b'{"model":"a"', None),
        (b"", None),
        (b'{"model":"' + b"x" * 600 + b'"}', None),
        (b"[" * 100_000, None),
    ],
)
def test_the_model_is_read_or_it_is_none(body: bytes, model: str | None) -> None:
    """Only the outermost object's text counts; nothing that is sent can make this fail."""
    assert asked_model(JSON, body) == model


@pytest.mark.parametrize(
    ("body", "renamed"),
    [
        (b'{"model":"a","model":"b"}', b'{"model":"n","model":"n"}'),
        (b'{"m\\u006fdel" : "a"}', b'{"m\\u006fdel" : "n"}'),
        (b'{"x":"\\"model\\":\\"a\\"","model":"a"}', b'{"x":"\\"model\\":\\"a\\"","model":"n"}'),
        (b'{"x":["model","a",{"model":"a"}],"model":"a"}', b'{"x":["model","a",{"model":"a"}],"model":"n"}'),
    ],
)
def test_repeated_and_escaped_keys_are_all_renamed(body: bytes, renamed: bytes) -> None:
    """No parser at the target can read another name than the one that was routed."""
    assert with_model(JSON, body, "n") == renamed


def test_of_a_part_of_a_body_the_first_name_counts() -> None:
    """A body that is too large to keep is routed by its beginning."""
    assert asked_model(JSON, b'{"a":{"model":"x"},"model":"m","messages":[{"con', whole=False) == "m"
    assert asked_model(JSON, b'{"messages":[{"con', whole=False) is None


def form(*parts: tuple[bytes, bytes]) -> bytes:
    """A multipart body."""
    return b"".join(b"--B b\r\n%b\r\n\r\n%b\r\n" % part for part in parts) + b"--B b--\r\n"


FILE = (b'Content-Disposition: form-data; name="file"; filename="model"', b'\r\n--B\r\n; name="model"\r\n\r\nno')


@pytest.mark.parametrize(
    "head", [b'Content-Disposition: form-data; name="model"', b"content-disposition:form-data; name=model\r\nX: y"]
)
def test_a_forms_field_is_read_and_replaced(head: bytes) -> None:
    """The field is found by its name, before or behind files."""
    for parts in ((FILE, (head, b"m")), ((head, b"m"), FILE)):
        body = form(*parts)
        assert asked_model(FORM, body) == "m"
        assert with_model(FORM, body, "other") == form(*[(h, b"other" if v == b"m" else v) for h, v in parts])


@pytest.mark.parametrize("content_type", [FORM, b"multipart/form-data", b"multipart/form-data; boundary=other"])
def test_a_form_without_the_field_names_no_model(content_type: bytes) -> None:
    """A form that is no form, or has no such field."""
    assert asked_model(content_type, form(FILE)) is None
    assert asked_model(content_type, b"") is None


@given(st.binary(max_size=300))
def test_no_bytes_make_reading_a_form_fail(body: bytes) -> None:
    """Whatever is sent as a form, there is a name or none."""
    assert asked_model(FORM, b"--B b" + body) is None or True
