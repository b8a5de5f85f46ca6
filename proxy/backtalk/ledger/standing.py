"""Which feedback counts: one pure view of everything that was said, the same for every reader.

In: rows of feedback, retractions among them, each with the calls that its key fits, and those calls' messages. Out:
each row with its state. The rules:

- What the call rejects (`ledger.judging`) counts for nothing and replaces nothing.
- A later feedback or a retraction takes the one that it names out of the count, within a tenant; what came with a
  browser's token or a link reaches only what an end user said of the same trace.
- Of several successors of one feedback the latest counts.
- One voice has one say: of what the same rater says of the same thing, kind and metric, the latest counts (outcomes by
  the time at which they became true). Where no rater is named, the credential's source and key are the rater. Comments
  and events are not opinions: each counts.
- Null is looked at and not told: it counts as said, and its value as nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from backtalk.ledger.judging import foreign, judge
from backtalk.ledger.schema import Row

State = Literal["counts", "pending", "ambiguous", "rejected", "superseded", "retracted", "replaced"]
"""`pending`: no call fits yet. `ambiguous`: several fit. `replaced`: the same voice said something later."""

_TOLD_APART: Final = frozenset(("comment", "event"))
_BY_PAGES: Final = frozenset(("token", "link"))
_KEY: Final = ("trace_id", "span_id", "response_id", "parent_span_id", "session_id")
_PART: Final = ("choice", "span_start", "span_end")


class Standing(NamedTuple):
    """One row, the calls that it fits, and whether it counts; `reason` and `message` where it was rejected."""

    row: Row
    fits: Sequence[Row]
    state: State
    reason: str | None = None
    message: str | None = None


def standings(
    resolved: Sequence[tuple[Row, Sequence[Row]]], messages: Mapping[str, Row], calls: Sequence[Row] = ()
) -> list[Standing]:
    """The state of each feedback, in the order given; retractions are not listed. `calls` may be of any tenant."""
    found = [_on_its_own(row, fits, messages, calls) for row, fits in resolved]
    valid = [one for one in found if one.state != "rejected"]
    taken = _taken_back(valid)
    latest = _latest([one for one in valid if one.row["feedback_id"] not in taken and one.row["kind"] != "retraction"])
    return [_settled(one, taken, latest) for one in found if one.row["kind"] != "retraction"]


def _on_its_own(row: Row, fits: Sequence[Row], messages: Mapping[str, Row], calls: Sequence[Row]) -> Standing:
    if row["kind"] == "retraction" or row.get("session_id"):
        return Standing(row, fits, "counts")
    if len(fits) > 1:
        return Standing(row, fits, "ambiguous")
    rejected = judge(row, fits[0], messages) if fits else foreign(row, calls)
    if rejected is not None:
        return Standing(row, fits, "rejected", rejected.reason, rejected.message)
    return Standing(row, fits, "counts" if fits else "pending")


def _taken_back(found: Sequence[Standing]) -> dict[str, State]:
    """What was superseded or retracted, by its id."""
    by_id = {one.row["feedback_id"]: one.row for one in found}
    taken: dict[str, State] = {}
    for one in found:
        earlier = by_id.get(one.row.get("supersedes") or "")
        if earlier is None or not _may_take_back(one.row, earlier):
            continue
        state: State = "retracted" if one.row["kind"] == "retraction" else "superseded"
        taken[earlier["feedback_id"]] = "retracted" if taken.get(earlier["feedback_id"]) == "retracted" else state
    return taken | _other_successors([one.row for one in found if one.row["kind"] != "retraction"], taken)


def _other_successors(rows: Sequence[Row], taken: Mapping[str, State]) -> dict[str, State]:
    """All but the latest of those that name the same one."""
    latest: dict[str, Row] = {}
    for row in sorted(rows, key=_when):
        if row.get("supersedes") in taken and row["feedback_id"] not in taken:
            latest[row["supersedes"]] = row
    kept = {row["feedback_id"] for row in latest.values()}
    return {
        row["feedback_id"]: "superseded"
        for row in rows
        if row.get("supersedes") in latest and row["feedback_id"] not in kept and row["feedback_id"] not in taken
    }


def _may_take_back(later: Row, earlier: Row) -> bool:
    if later["tenant"] != earlier["tenant"] or later["feedback_id"] == earlier["feedback_id"]:
        return False
    if later.get("channel") not in _BY_PAGES:
        return True
    same_trace = later.get("trace_id") is not None and later.get("trace_id") == earlier.get("trace_id")
    return same_trace and (earlier.get("source") or "end_user") == "end_user"


def _latest(found: Sequence[Standing]) -> set[tuple[Any, ...]]:
    """The ids of what each voice said last."""
    last: dict[tuple[Any, ...], Row] = {}
    for one in sorted(found, key=lambda one: _when(one.row)):
        last[_voice(one)] = one.row
    return {(row["feedback_id"], row.get("item")) for row in last.values()}


def _voice(one: Standing) -> tuple[Any, ...]:
    row = one.row
    own = row["feedback_id"] if row["kind"] in _TOLD_APART else None
    who = (row["tenant"], row.get("source"), row.get("rater") or row.get("key_id"))
    of_call = len(one.fits) == 1 and not row.get("session_id")
    about = (one.fits[0]["trace_id"], one.fits[0]["span_id"]) if of_call else tuple(map(row.get, _KEY))
    return (own, who, row["kind"], row.get("metric"), about, *map(row.get, _PART))


def _when(row: Row) -> tuple[int, str]:
    said = row.get("at_ns") if row["kind"] == "outcome" else None
    return (row["given_ns"] if said is None else said), row["feedback_id"]


def _settled(one: Standing, taken: Mapping[str, State], latest: set[tuple[Any, ...]]) -> Standing:
    if one.state == "rejected":
        return one
    state = taken.get(one.row["feedback_id"])
    if state is not None:
        return one._replace(state=state)
    return one if (one.row["feedback_id"], one.row.get("item")) in latest else one._replace(state="replaced")
