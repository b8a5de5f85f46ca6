"""Which column says what."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from backtalk.errors import RequestError
from backtalk.feedback_import.plan import NAMES, Plan, bodies, check, check_columns

TRACE = "a" * 32


def made(plan: Plan, **fields: Any) -> list[dict[str, Any]]:
    """The bodies of a row, without the ids that they are given."""
    return [{name: value for name, value in body.items() if name != "id"} for body in bodies(plan, fields)]


def test_columns_named_like_fields_are_taken_for_them() -> None:
    """A row without a kind is an outcome; columns of other names are left alone."""
    assert made(Plan(), trace_id=TRACE, metric="resolved", value="true", at="1700000000", ticket="4711") == [
        {"trace_id": TRACE, "kind": "outcome", "metric": "resolved", "value": True, "at": 1_700_000_000}
    ]


def test_the_key_column_holds_any_key() -> None:
    """Its form tells which; a column named like a key is then none."""
    plan = Plan(key="call", constants={"metric": "m"})
    assert made(plan, call="chatcmpl-9x", value="1", trace_id=TRACE) == [
        {"response_id": "chatcmpl-9x", "kind": "outcome", "metric": "m", "value": 1}
    ]


def test_what_is_told_wins_over_the_columns_name() -> None:
    """A column named `value` may be something else."""
    plan = Plan(columns={"value": "solved"}, constants={"kind": "rating"})
    assert made(plan, trace_id=TRACE, solved="yes", value="7") == [{"trace_id": TRACE, "kind": "rating", "value": True}]


def test_a_row_may_hold_several_outcomes() -> None:
    """One for each column that is not empty, each with an id of its own."""
    plan = Plan(outcomes={"resolved": "resolved", "csat": "stars"})
    assert made(plan, trace_id=TRACE, resolved="false", stars="4") == [
        {"trace_id": TRACE, "kind": "outcome", "metric": "resolved", "value": False},
        {"trace_id": TRACE, "kind": "outcome", "metric": "csat", "value": 4},
    ]
    assert len(made(plan, trace_id=TRACE, resolved="", stars="4")) == 1
    both = bodies(plan, {"trace_id": TRACE, "id": "t1", "resolved": "true", "stars": "4"})
    assert [body["id"] for body in both] == ["t1:resolved", "t1:csat"]


@pytest.mark.parametrize("nothing", [{}, {"value": ""}, {"value": "  "}, {"value": None}])
def test_an_empty_cell_says_nothing(nothing: dict[str, Any]) -> None:
    """Null is not zero and not false."""
    assert made(Plan(), trace_id=TRACE, metric="m", **nothing) == []


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("outcome", "TRUE", True), ("outcome", "0", 0), ("outcome", "0.5", 0.5), ("outcome", "escalated", "escalated"),
        ("outcome", "NaN", "NaN"), ("rating", "0", False), ("rating", "up", True), ("score", "-1e3", -1000.0),
        ("comment", "true", "true"), ("comment", "42", "42"), ("correction", "12", "12"), ("event", "copied", "copied"),
        ("correction", '{"role": "assistant", "content": "x"}', {"role": "assistant", "content": "x"}),
        ("outcome", "12345678901234567890", 12345678901234567890.0),
    ],
)  # fmt: skip
def test_a_cell_is_read_as_its_kind_takes_it(kind: str, cell: str, value: object) -> None:
    """Words stay words where the kind is of words."""
    [body] = made(Plan(), trace_id=TRACE, kind=kind, value=cell)
    assert body["value"] == value
    assert type(body["value"]) is type(value)


def test_nested_fields_are_json_in_a_cell() -> None:
    """And said so where they are not."""
    [body] = made(Plan(), trace_id=TRACE, kind="score", value="4", range="[1, 5]")
    assert body["range"] == [1, 5]
    with pytest.raises(RequestError, match="range must be JSON"):
        made(Plan(), trace_id=TRACE, kind="score", value="4", range="1-5")


def test_a_survey_has_no_value() -> None:
    """Its answers are what it says."""
    [body] = made(Plan(), trace_id=TRACE, kind="survey", answers='{"clear?": true}')
    assert body["answers"] == {"clear?": True}


def test_values_of_parquet_become_json() -> None:
    """Instants, decimals; bytes are refused."""
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    [body] = made(Plan(), trace_id=TRACE, metric="m", value=Decimal("1.5"), at=at)
    assert (body["value"], body["at"]) == (1.5, "2026-11-01T12:00:00+00:00")
    with pytest.raises(RequestError, match="value holds bytes"):
        made(Plan(), trace_id=TRACE, metric="m", value=b"x")


def test_the_same_words_have_the_same_id_wherever_they_stand() -> None:
    """So a file sent again, grown or sorted otherwise counts once; other words have another."""
    first, again, other = (
        bodies(Plan(), {"trace_id": TRACE, "metric": "m", "value": value})[0]["id"] for value in ("1", "1", "2")
    )
    assert first == again != other
    assert first.startswith("import-")


def test_a_row_without_its_key_is_refused() -> None:
    """By the column's name."""
    with pytest.raises(RequestError, match="the column call, which names the call, is empty"):
        made(Plan(key="call"), value="1", metric="m")


@pytest.mark.parametrize("plan", [Plan(key="tiket"), Plan(outcomes={"m": "tiket"}), Plan(columns={"value": "tiket"})])
def test_a_column_that_the_file_has_not_is_said_with_those_it_has(plan: Plan) -> None:
    """A name that is mistyped is no file that says nothing."""
    with pytest.raises(RequestError, match="no column tiket; its columns are ticket, solved"):
        check_columns(plan, ["ticket", "solved"])


def test_a_file_of_which_no_column_says_anything_is_refused() -> None:
    """Where an outcome, a value or a kind without one is named, it says something."""
    with pytest.raises(RequestError, match="no column says anything: name one with --outcome"):
        check_columns(Plan(key="ticket"), ["ticket", "solved"])
    for plan in (
        Plan(outcomes={"solved": "solved"}),
        Plan(columns={"value": "solved"}),
        Plan(constants={"value": "1"}),
    ):
        check_columns(plan, ["ticket", "solved"])
    check_columns(Plan(), ["trace_id", "answers"])


def test_a_plan_names_fields_that_there_are() -> None:
    """And each once."""
    with pytest.raises(RequestError, match="verdict is no field of a feedback"):
        check(Plan(columns={"verdict": "v"}))
    with pytest.raises(RequestError, match="by --map and by --set"):
        check(Plan(columns={"kind": "k"}, constants={"kind": "rating"}))
    check(Plan(columns=dict.fromkeys(NAMES, "column")))


@pytest.mark.parametrize("name", ["kind", "metric", "value"])
def test_what_an_outcome_says_itself_is_not_given_beside_it(name: str) -> None:
    """It would be left out without a word; what an outcome does not say may stand there."""
    with pytest.raises(RequestError, match=f"{name} is given by --set and by --outcome"):
        check(Plan(outcomes={"resolved": "resolved"}, constants={name: "x"}))
    with pytest.raises(RequestError, match=f"{name} is given by --map and by --outcome"):
        check(Plan(outcomes={"resolved": "resolved"}, columns={name: "x"}))
    check(Plan(outcomes={"resolved": "resolved"}, columns={"comment": "x"}, constants={"rater": "crm"}))
