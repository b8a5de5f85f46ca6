"""What goes over a socket becomes bounded frames."""

from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.frames import Frame, Part, Side
from backtalk.observe.parts import PART_BYTES, Parts

_PIECES: st.SearchStrategy[list[tuple[Side, int]]] = st.lists(
    st.tuples(st.sampled_from(["client", "server"]), st.integers(0, PART_BYTES)), max_size=30
)


@given(_PIECES, st.integers(0, 10 * PART_BYTES))
def test_parts_hold_what_passed_in_order_up_to_the_limit(pieces: list[tuple[Side, int]], limit: int) -> None:
    """No part holds more than one piece beyond its size; from the limit on pieces are only counted."""
    frames: list[Frame] = []
    parts = Parts(frames.append, "s", "x", limit)
    for side, size in pieces:
        (parts.hear if side == "client" else parts.add)(bytes(size))
    body = parts.finish()
    kept: list[tuple[Side, bytes]] = []
    for number, part in enumerate(frames):
        assert isinstance(part, Part)
        assert (part.number, part.extensions) == (number, "x")
        assert sum(len(piece) for _, piece in part.pieces) < 2 * PART_BYTES
        kept += part.pieces
    sent = [(side, bytes(size)) for side, size in pieces if size]
    assert kept == sent[: len(kept)]
    assert sum(len(piece) for _, piece in kept) <= limit
    assert body.capture == ("truncated" if len(kept) < len(sent) else "full")
    assert body.size_bytes == sum(size for side, size in pieces if side == "server")
    assert parts.client_bytes == sum(size for side, size in pieces if side == "client")
