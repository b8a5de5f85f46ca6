"""Which feedback counts."""

import random
from typing import Any

import pytest

from backtalk.ledger.standing import standings

_CALL: dict[str, Any] = {"trace_id": "a", "span_id": "1", "tenant": "t", "answer_ids": ["x"]}
_OTHER: dict[str, Any] = {"trace_id": "a", "span_id": "2", "tenant": "t"}


def _row(number: int, kind: str = "rating", **fields: Any) -> dict[str, Any]:
    base = {"feedback_id": f"f{number}", "kind": kind, "tenant": "t", "given_ns": number, "trace_id": "a"}
    return base | {"source": "end_user"} | fields


def _states(*rows: dict[str, Any], fits: Any = (_CALL,)) -> dict[str, str]:
    """The states, which must not hang on the order in which rows are read."""
    found = standings([(row, fits) for row in rows], {})
    mixed = list(rows)
    random.Random(7).shuffle(mixed)  # noqa: S311 -- any other order
    again = standings([(row, fits) for row in mixed], {})
    states = {one.row["feedback_id"]: one.state for one in found}
    assert states == {one.row["feedback_id"]: one.state for one in again}
    return dict(states)


def test_what_is_superseded_or_retracted_does_not_count() -> None:
    """The successor counts, a retraction leaves nothing and is no feedback itself."""
    assert _states(_row(1, rater="r"), _row(2, rater="s", supersedes="f1")) == {"f1": "superseded", "f2": "counts"}
    assert _states(_row(1), _row(2, "retraction", trace_id=None, supersedes="f1")) == {"f1": "retracted"}


def test_a_retracted_successor_does_not_bring_back_what_it_superseded() -> None:
    """Whoever takes back their last word has said nothing."""
    rows = _row(1), _row(2, supersedes="f1"), _row(3, "retraction", supersedes="f2")
    assert _states(*rows) == {"f1": "superseded", "f2": "retracted"}


def test_of_two_successors_the_later_one_counts() -> None:
    """A correction of a correction that was sent twice counts once."""
    rows = _row(1, rater="p"), _row(2, supersedes="f1", rater="q"), _row(3, supersedes="f1", rater="r")
    assert _states(*rows) == {"f1": "superseded", "f2": "superseded", "f3": "counts"}


def test_nobody_takes_back_what_another_tenant_said() -> None:
    """An id that leaked is no authority."""
    assert _states(_row(1), _row(2, "retraction", tenant="u", supersedes="f1")) == {"f1": "counts"}


@pytest.mark.parametrize(
    ("earlier", "later", "state"),
    [
        ({}, {}, "retracted"),
        ({"source": "reviewer"}, {}, "counts"),
        ({"trace_id": "b"}, {}, "counts"),
        ({"source": "reviewer"}, {"channel": "api"}, "retracted"),
    ],
)
def test_a_token_reaches_only_what_end_users_said_of_its_trace(
    earlier: dict[str, Any], later: dict[str, Any], state: str
) -> None:
    """A leaked token can spoil one answer's thumbs and nothing else."""
    rows = _row(1, **earlier), _row(2, "retraction", **({"channel": "token", "supersedes": "f1"} | later))
    assert _states(*rows) == {"f1": state}


def test_one_voice_has_one_say_and_two_people_have_two() -> None:
    """The same rater, or the same credential where none is named, is counted by its latest word."""
    assert _states(_row(1), _row(2)) == {"f1": "replaced", "f2": "counts"}
    assert _states(_row(1, rater="ann"), _row(2, rater="bob")) == {"f1": "counts", "f2": "counts"}
    assert _states(_row(1, rater="ann"), _row(2, rater="ann", metric="tone")) == {"f1": "counts", "f2": "counts"}
    assert _states(_row(1, source="reviewer", key_id="k"), _row(2)) == {"f1": "counts", "f2": "counts"}
    assert _states(_row(1, choice=0), _row(2, choice=1), fits=({**_CALL, "answer_ids": ["x", "y"]},)) == {
        "f1": "counts", "f2": "counts",
    }  # fmt: skip
    assert _states(_row(1, "comment"), _row(2, "comment")) == {"f1": "counts", "f2": "counts"}


def test_one_voice_is_one_under_any_key_of_the_call() -> None:
    """A thumb by trace id and a thumb by the response's id are about one answer."""
    assert _states(_row(1), _row(2, trace_id=None, response_id="r")) == {"f1": "replaced", "f2": "counts"}


@pytest.mark.parametrize(("fits", "state"), [((), "pending"), ((_CALL, _OTHER), "ambiguous"), ((_CALL,), "counts")])
def test_a_ranking_said_again_is_one_say_whatever_its_calls_are(fits: Any, state: str) -> None:
    """Each item of the earlier one is replaced, known or not; one ranking's own items do not replace each other."""
    rows = [
        _row(number, "ranking", trace_id=None, response_id=response, item=item, choice=item, rater="ann")
        for number in (1, 2)
        for item, response in enumerate(("r", "s"))
    ]
    fits = [{**call, "answer_ids": ["x", "y"]} for call in fits]
    found = [(one.row["feedback_id"], one.row["item"], one.state) for one in standings([(r, fits) for r in rows], {})]
    assert found == [("f1", 0, "replaced"), ("f1", 1, "replaced"), ("f2", 0, state), ("f2", 1, state)]
    bob = [row | {"feedback_id": "f3", "rater": "bob"} for row in rows[:2]]
    assert [one.state for one in standings([(row, fits) for row in (*bob, *rows[2:])], {})] == [state] * 4


def test_an_outcome_counts_by_when_it_became_true() -> None:
    """A ticket that was closed last week and reported today is older than one reopened yesterday."""
    closed, reopened = _row(9, "outcome", metric="open", at_ns=1), _row(2, "outcome", metric="open", at_ns=5)
    assert _states(closed, reopened) == {"f9": "replaced", "f2": "counts"}


def test_what_fits_no_call_or_several_is_told_apart() -> None:
    """A session's feedback needs no call."""
    assert _states(_row(1), fits=()) == {"f1": "pending"}
    assert _states(_row(1), fits=(_CALL, _OTHER)) == {"f1": "ambiguous"}
    assert _states(_row(1, trace_id=None, session_id="s"), fits=()) == {"f1": "counts"}


def test_what_is_rejected_replaces_nothing() -> None:
    """A wrong successor leaves the first as it was."""
    assert _states(_row(1), _row(2, supersedes="f1", choice=4)) == {"f1": "counts", "f2": "rejected"}
    (one,) = standings([(_row(1, tenant="u"), ())], {}, [_CALL])
    assert (one.state, one.reason) == ("rejected", "foreign_tenant")


def test_feedback_of_before_there_were_sources_counts_as_it_did() -> None:
    """Old rows have no source, channel or item."""
    old = {"feedback_id": "f1", "kind": "rating", "tenant": "t", "given_ns": 1, "trace_id": "a"}
    assert _states(old) == {"f1": "counts"}
