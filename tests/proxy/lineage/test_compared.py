"""Rows side by side."""

from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from backtalk.lineage.compared import Compared
from backtalk.lineage.manifests import Call, ManifestRow

ROWS = st.lists(
    st.tuples(st.sampled_from("abcdefg"), st.lists(st.sampled_from("xyz"), max_size=2), st.sampled_from("12")),
    max_size=7,
    unique_by=lambda row: row[0],
)
Drawn = list[tuple[str, list[str], str]]


def made(drawn: Drawn) -> list[ManifestRow]:
    """Rows by their content, their calls and their fact."""
    return [
        ManifestRow(number, name, (fact,), calls=tuple(Call(call, call) for call in calls))
        for number, (name, calls, fact) in enumerate(drawn)
    ]


@given(ROWS, ROWS)
def test_every_row_has_one_place(before: Drawn, after: Drawn) -> None:
    """In both, in one alone, or changed: with another row of the same calls, the first with the first."""
    old, new = made(before), made(after)
    with closing(Compared(old, new)) as rows:
        counts = {name: rows.count(name) for name in ("unchanged", "added", "removed", "changed", "facts_changed")}
        changed, facts_changed = rows.pairs("changed", 100), rows.pairs("facts_changed", 100)
        added, removed = rows.alone("added", 100), rows.alone("removed", 100)

    assert counts["unchanged"] == len({row.sha256 for row in old} & {row.sha256 for row in new})
    assert counts["unchanged"] + len(changed) + len(removed) == len(old)
    assert counts["unchanged"] + len(changed) + len(added) == len(new)
    assert all(set(one.calls) == set(other.calls) and one.sha256 != other.sha256 for one, other in changed)
    assert all(one.sha256 == other.sha256 and one.facts != other.facts for one, other in facts_changed)
    assert {frozenset(row.calls) for row in added if row.calls}.isdisjoint(frozenset(row.calls) for row in removed)


def test_lists_are_as_long_as_asked_and_counts_are_of_all() -> None:
    """So that a document does not grow with the datasets."""
    with closing(Compared([], made([("a", [], "1"), ("b", [], "1")]))) as rows:
        assert [row.sha256 for row in rows.alone("added", 1)] == ["a"]
        assert rows.count("added") == 2
