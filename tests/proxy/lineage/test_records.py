"""Records: what a line seals, and that nothing but it is read."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backtalk.lineage.records import ORIGIN, DatasetRetired, RefSet, canonical, hash_of, read, sealed

BODY = RefSet("production", {"dataset": "0123", "judge_prompt": "is it “good”?"}, "better")


def line(**fields: object) -> bytes:
    """A sealed line, with fields of its document replaced afterwards."""
    document = json.loads(sealed(BODY, number=1, at_ns=5, actor="ada", prev_hash=ORIGIN))
    return canonical(document | fields)


def test_what_was_sealed_is_read() -> None:
    """A record comes back as it was said, with its kind."""
    record = read(line())
    assert (record.number, record.at_ns, record.actor, record.prev_hash, record.body) == (1, 5, "ada", ORIGIN, BODY)
    other = DatasetRetired("0123", "old")
    assert read(sealed(other, number=1, at_ns=5, actor="ada", prev_hash=ORIGIN)).body == other


@pytest.mark.parametrize(
    "changed", [{"actor": "eve"}, {"number": 2}, {"at_ns": 6}, {"prev_hash": "1" * 64}, {"more": 1}, {"hash": "2" * 64}]
)
def test_any_change_of_what_it_says_is_found(changed: dict[str, object]) -> None:
    """No field can be changed or added without a new hash."""
    with pytest.raises(ValueError, match="hash"):
        read(line(**changed))


def test_a_line_that_is_written_otherwise_is_none() -> None:
    """The same fields with a space, or with a key that stands twice, are not what was sealed."""
    with pytest.raises(ValueError, match="not written"):
        read(line().replace(b'":', b'": ', 1))
    with pytest.raises(ValueError, match="not written"):
        read(line().replace(b'"actor":"ada"', b'"actor":"eve","actor":"ada"'))


@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b'{"number":"\\ud800"}')
def test_anything_else_is_refused(garbage: bytes) -> None:
    """A line of any bytes is a `ValueError` and never a record."""
    with pytest.raises(ValueError, match=r"^"):
        read(garbage)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_equal_documents_have_one_hash(document: dict[str, object]) -> None:
    """The order in which fields were written does not matter."""
    turned = dict(reversed(document.items()))
    assert (canonical(document), hash_of(document)) == (canonical(turned), hash_of(turned))
