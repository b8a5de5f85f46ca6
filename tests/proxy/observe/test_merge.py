"""Stream deltas grow into the whole object."""

from hypothesis import given
from hypothesis import strategies as st

from backtalk.observe.merge import Growing, GrowingList


def test_texts_are_joined_and_names_are_not() -> None:
    """Unknown text fields grow; ids, names and roles come whole, even where a server repeats them."""
    growing = Growing()
    for piece in ({"role": "assistant", "thoughts": "a"}, {"role": "assistant", "thoughts": "b"}, {"thoughts": None}):
        growing.add(piece)
    assert growing.value() == {"role": "assistant", "thoughts": "ab"}


def test_items_are_merged_at_their_index() -> None:
    """Pieces of parallel tool calls find each other, in whatever order they come."""
    growing = GrowingList()
    growing.add([{"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}}])
    growing.add([{"index": 0, "id": "a", "function": {"arguments": "{"}}, "odd"])
    growing.add([{"index": 0, "function": {"arguments": "}"}}, {"index": 1, "function": {"arguments": "[]"}}])
    assert growing.value() == [
        {"id": "a", "function": {"arguments": "{}"}},
        {"id": "b", "function": {"name": "g", "arguments": "[]"}},
        "odd",
    ]


_VALUES: st.SearchStrategy[object] = st.one_of(
    st.none(), st.integers(), st.text(), st.builds(dict[str, object]), st.builds(list[object])
)


@given(st.lists(st.dictionaries(st.sampled_from("ab"), _VALUES)))
def test_pieces_of_changing_types_raise_nothing(pieces: list[dict[str, object]]) -> None:
    """Where a field changes its type the later one wins."""
    growing = Growing()
    for piece in pieces:
        growing.add(piece)
    assert growing.value().keys() <= {"a", "b"}
