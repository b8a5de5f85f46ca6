"""The feedback door's JSON: what two readers could understand differently is refused."""

import pytest

from backtalk.errors import RequestError
from backtalk.feedback.strict_json import MAX_DEPTH, read_object


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not JSON"),
        (b"{", "line 1, column 2"),
        (b"[1]", "must be a JSON object, not a list"),
        (b"null", "not null"),
        (b'"x"', "not a string"),
        (b'{"a":1,"a":2}', 'the key "a" stands twice'),
        (b'{"a":{"b":1,"b":1}}', 'the key "b" stands twice'),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"a":-Infinity}', "-Infinity is not JSON"),
        (b'{"a":1e999}', "beyond what a double can hold"),
        (b'{"a":1' + b"0" * 400 + b"}", "beyond what a double can hold"),
        (b'{"a":' + b"1" * 5000 + b"}", "too long"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'{"a":[' + b"0," * 400_000 + b"0]}", "more than 10000 values"),
        (b'{"a":[' + b"[0]," * 9_000 + b"0]}", "more than 10000 values"),
        (b"{" + b",".join(b'"%d":0' % n for n in range(90_000)) + b',"1":0}', "more than 10000 values"),
        (b'{"a":"\xff"}', "not valid UTF-8 (byte 6)"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", f"deeper than {MAX_DEPTH} levels"),
        (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", f"deeper than {MAX_DEPTH} levels"),
    ],
)
def test_what_is_no_plain_object_is_refused(raw: bytes, words: str) -> None:
    """The sentence says what and where."""
    with pytest.raises(RequestError) as caught:
        read_object(raw)
    assert words in caught.value.message
    assert caught.value.code == "invalid_json"


def test_a_plain_object_is_read() -> None:
    """Escapes, unicode and numbers come through."""
    assert read_object('{"a":"\\ud83d\\ude00é","b":[1,2.5,null,true,{}]}'.encode()) == {
        "a": "😀é",
        "b": [1, 2.5, None, True, {}],
    }
