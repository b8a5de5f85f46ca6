"""Which of a signal's rows counts."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backtalk.ledger.counting import counting, replay_of


def row(
    name: str | None = "s1", replay: int | None = None, fact: str = "signal", version: str = "1.0"
) -> dict[str, Any]:
    """One row of the signals table."""
    return {"signal_id": name, "fact": fact, "replay": replay, "detector_version": version}


def test_the_latest_replay_counts_whatever_the_order() -> None:
    """Its row stands for the claim, and the worker's own comes before any replay."""
    own, first, second = row(), row(replay=1, version="1.1"), row(replay=2, version="1.2")
    assert counting([second, own, first]) == [second]
    assert counting([own, first]) == [first]
    assert counting([own]) == [own]


def test_what_the_latest_replay_withdraws_does_not_count() -> None:
    """Until a later one finds it again."""
    own, gone, again = row(), row(replay=1, fact="withdrawal"), row(replay=2)
    assert counting([own, gone]) == []
    assert counting([own, gone, again]) == [again]


def test_a_row_that_came_twice_counts_once() -> None:
    """A kill may write what was written."""
    assert counting([row(replay=1), row(replay=1)]) == [row(replay=1)]


def test_links_and_relations_always_count() -> None:
    """They have no id."""
    rows = [row(None, fact="link"), row(None, fact="link"), row(None, fact="relation")]
    assert counting(rows) == rows


ROWS = st.builds(
    row,
    st.sampled_from(["s1", "s2", None]),
    st.sampled_from([None, 1, 2, 3]),
    st.sampled_from(["signal", "withdrawal"]),
)


@given(st.lists(ROWS, max_size=12))
def test_no_claim_counts_twice(rows: list[dict[str, Any]]) -> None:
    """And none counts that a later replay spoke of otherwise."""
    found = counting(rows)
    named = [each["signal_id"] for each in found if each["signal_id"]]
    assert len(named) == len(set(named))
    for each in found:
        if each["signal_id"]:
            others = [replay_of(other) for other in rows if other["signal_id"] == each["signal_id"]]
            assert replay_of(each) == max(others)
    assert counting(found) == found
