"""Multipart forms are read within bounds."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.chat import Media
from backtalk.observe.forms import FIELD_BYTES, PARTS, Form, form_of

_TYPE = 'multipart/form-data; boundary="x y"'
_WAV = b"RIFF\r\n--x\x00\xff"


def _part(name: str, value: bytes, extra: str = "", kind: str = "") -> bytes:
    head = f'--x y\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n{kind}\r\n'
    return head.encode() + value + b"\r\n"


def _form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--x y--\r\n"


_FILE = _part("file", _WAV, '; filename="däta.wav"', "Content-Type: audio/wav\r\n")


def test_fields_are_texts_and_files_are_references() -> None:
    """A file by name, size, hash and type; a name that is there twice is a list."""
    form = form_of(_form(_part("model", b"whisper-1"), _part("t[]", b"a"), _part("t[]", "ü".encode()), _FILE), _TYPE)
    file = Media("audio", hashlib.sha256(_WAV).hexdigest(), len(_WAV), "audio/wav", "däta.wav")
    assert form == Form({"model": "whisper-1", "t[]": ["a", "ü"]}, (file,), None)


def test_a_form_that_was_cut_gives_what_came() -> None:
    """The file in which it was cut has a name, and neither hash nor size."""
    form = form_of(_form(_part("model", b"m"), _FILE)[:-25], _TYPE)
    assert form == Form({"model": "m"}, (Media("audio", None, None, "audio/wav", "däta.wav"),), "the form ends early")


@pytest.mark.parametrize(
    ("body", "content_type", "problem"),
    [
        (b"", "multipart/form-data", "the form names no boundary"),
        (b"not a form", _TYPE, "the form is damaged"),
        (b"", _TYPE, "the form ends early"),
        (b"x", "multipart/form-data; boundary=" + "b" * 1000, "the form is damaged"),
    ],
)
def test_what_is_no_form_says_why(body: bytes, content_type: str, problem: str) -> None:
    """Nothing is guessed."""
    assert form_of(body, content_type).problem == problem


def test_a_form_is_bounded() -> None:
    """In the length of a field and in parts."""
    form = form_of(_form(_part("long", b"x" * (FIELD_BYTES + 1)), _part("short", b"y")), _TYPE)
    assert (form.fields, form.problem) == ({"short": "y"}, f"the field long is longer than {FIELD_BYTES} bytes")
    form = form_of(_form(*[_part("a", b"b")] * (PARTS + 1)), _TYPE)
    assert (len(form.fields["a"]), form.problem) == (PARTS, f"the form has more than {PARTS} parts")


@given(st.binary(), st.integers(0, 200), st.binary(max_size=9))
def test_any_bytes_raise_nothing(body: bytes, cut: int, put: bytes) -> None:
    """Bytes of any kind, and a good form with anything put into it."""
    good = _form(_part("model", b"m"), _FILE)
    form_of(body, _TYPE)
    form_of(b"--x y\r\n" + body, _TYPE)
    form_of(good[:cut] + put + good[cut:], _TYPE)
