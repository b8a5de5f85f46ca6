"""Bytes are replaced by references, and nothing else is."""

import base64
import hashlib
from typing import Any

import pytest

from backtalk.model.chat import Media
from backtalk.observe.lenient_json import canonical
from backtalk.observe.media import media_of, without_bytes

_BYTES = bytes(range(256))
_TEXT = base64.b64encode(_BYTES).decode()
_SHA256 = hashlib.sha256(_BYTES).hexdigest()


@pytest.mark.parametrize(
    ("value", "kind", "media_type"),
    [
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_TEXT}"}}, "image", "image/png"),
        ({"type": "input_image", "image_url": f"data:image/webp;x=1;base64,{_TEXT}"}, "image", "image/webp"),
        ({"type": "input_audio", "input_audio": {"data": _TEXT, "format": "wav"}}, "audio", "audio/wav"),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": _TEXT}},
            "image",
            "image/gif",
        ),
        ({"type": "image_generation_call", "result": _TEXT}, "image", None),
        ({"images": [_TEXT]}, "image", None),
        ({"audio": {"id": "a", "data": _TEXT}}, "audio", None),
        ({"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{_TEXT}"}}, "video", "video/mp4"),
    ],
)
def test_bytes_in_each_dialects_place_are_found(value: Any, kind: Any, media_type: str | None) -> None:
    """The hash and the size are of the bytes, whatever their spelling."""
    kept, media = without_bytes(value)
    assert media == (Media(kind, _SHA256, len(_BYTES), media_type),)
    assert _TEXT not in canonical(kept)
    assert f"sha256:{_SHA256}" in canonical(kept)


def test_a_file_keeps_its_name() -> None:
    """Bytes, or a provider's id."""
    data = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{_TEXT}"}}
    assert without_bytes(data)[1] == (Media("file", _SHA256, len(_BYTES), "application/pdf", "a.pdf"),)
    assert without_bytes({"type": "input_file", "file_id": "file-1"})[1] == (Media("file", ref="file-1"),)


def test_an_address_is_a_reference_as_it_is() -> None:
    """Nothing is fetched."""
    value = {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}}
    assert without_bytes(value) == (value, (Media("image", ref="https://x.example/a.png"),))


@pytest.mark.parametrize(
    "value",
    [
        {"data": "This is a text, not bytes at all."},
        {"text": _TEXT},
        {"type": "redacted_thinking", "data": _TEXT},
        {"annotations": [{"type": "file_citation", "file_id": "file-1"}]},
        {"url": "https://x.example"},
        {"data": "c2hvcnQ="},
        [1, None, True, "x"],
    ],
)
def test_what_is_no_media_stays(value: Any) -> None:
    """Texts, opaque thoughts, sources of a text, short strings."""
    assert without_bytes(value) == (value, ())


def test_damaged_bytes_are_not_kept_either() -> None:
    """Their hash is that of the text."""
    text = f"data:image/png;base64,{'A' * 41}"
    kept, (media,) = without_bytes({"url": text})
    assert "AAAA" not in canonical(kept)
    assert media.kind == "image"


def test_a_whole_body_is_known_by_its_type() -> None:
    """A binary answer."""
    assert media_of(_BYTES, "audio/mpeg") == Media("audio", _SHA256, len(_BYTES), "audio/mpeg")
    assert media_of(_BYTES, "application/octet-stream").kind == "file"
