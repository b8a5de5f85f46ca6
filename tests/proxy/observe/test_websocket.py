"""Frames that a real library wrote are read, and any others say why not."""

import itertools
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Frame, Opcode

from backtalk.observe.websocket import Message, Reader

_OPCODES = {"text": Opcode.TEXT, "binary": Opcode.BINARY}
_DEFLATE = "permessage-deflate; client_max_window_bits=12"


def _split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def _read(
    data: bytes, cuts: Sequence[int] = (), extensions: str = "", limit: int = 1 << 20
) -> tuple[list[Message], str]:
    reader = Reader("client", extensions, limit_bytes=limit)
    found = [message for piece in _split(data, list(cuts)) for message in reader.feed(piece)]
    return found, reader.problem or ""


_MESSAGES = st.lists(
    st.tuples(st.sampled_from(["text", "binary"]), st.lists(st.binary(max_size=70_000), min_size=1, max_size=3)),
    max_size=4,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_MESSAGES, st.booleans(), st.sampled_from(["", _DEFLATE]), st.lists(st.integers(0, 1 << 20), max_size=6))
def test_messages_are_read_however_they_were_sent(
    messages: list[tuple[str, list[bytes]]], mask: bool, extensions: str, cuts: list[int]
) -> None:
    """Masked or not, compressed or not, in fragments with pings between them, split anywhere."""
    extension = PerMessageDeflate(False, False, 15, 15)
    data = b""
    for kind, pieces in messages:
        for place, piece in enumerate(pieces):
            opcode = Opcode.CONT if place else _OPCODES[kind]
            frame = Frame(opcode, piece, fin=place == len(pieces) - 1)
            data += frame.serialize(mask=mask, extensions=[extension] if extensions else [])
            data += Frame(Opcode.PING, b"still there?").serialize(mask=mask)
    data += Frame(Opcode.CLOSE, Close(4000, "why").serialize()).serialize(mask=mask)
    expected = [Message(kind, b"".join(pieces)) for kind, pieces in messages]  # type: ignore[arg-type]  # drawn from two
    assert _read(data, cuts, extensions) == ([*expected, Message("close", b"why", 4000)], "")


@pytest.mark.parametrize(
    ("data", "extensions", "problem"),
    [
        (b"\x83\x00", "", "the bytes of the socket are no WebSocket frames"),
        (b"\xc1\x01x", "", "the bytes of the socket are no WebSocket frames"),
        (b"\x82\x7f" + b"\xff" * 8, "", "a message of the socket is larger than 100 bytes"),
        (b"\x02\x60" + bytes(96) + b"\x80\x05" + bytes(5), "", "a message of the socket is larger than 100 bytes"),
        (b"\xc1\x02\xff\xff", _DEFLATE, "a compressed message of the socket is damaged"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, extensions: str, problem: str) -> None:
    """And nothing after it is read."""
    assert _read(data + b"\x81\x01x", extensions=extensions, limit=100) == ([], problem)


def test_a_bomb_is_not_inflated() -> None:
    """A small message that stands for a large one ends the reading."""
    frame = Frame(Opcode.TEXT, bytes(1 << 20)).serialize(
        mask=False, extensions=[PerMessageDeflate(False, False, 15, 15)]
    )
    assert len(frame) < 2000
    assert _read(frame, extensions=_DEFLATE, limit=10_000) == ([], "a message of the socket is larger than 10000 bytes")


def test_a_close_without_a_code_says_so() -> None:
    """As the protocol's own number for it."""
    assert _read(b"\x88\x00")[0] == [Message("close", b"", 1005)]


@given(st.binary(max_size=400), st.sampled_from(["", _DEFLATE, "permessage-deflate; client_no_context_takeover"]))
def test_any_bytes_raise_nothing(data: bytes, extensions: str) -> None:
    """Whoever speaks."""
    _read(data, [3, 7], extensions)


def test_empty_fragments_hold_nothing() -> None:
    """A message may have as many of them as its sender likes."""
    reader = Reader("client", "")
    assert reader.feed(b"\x01\x00" + b"\x00\x00" * 10_000) == []
    tracemalloc.start()
    try:
        reader.feed(b"\x00\x00" * 100_000)
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()
    assert reader.feed(b"\x80\x01x") == [Message("text", b"x")]
