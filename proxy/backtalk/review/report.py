"""How far signals can be believed: each detector's claims against what people said of the same answers.

In: rows of signals, calls and ratings. Out: for each detector and kind its volume, its precision and lift against
explicit feedback with intervals, how its probabilities turned out, and which rules fired. People who rate are not all
people: the figures speak of rated answers.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from backtalk.detect.calibration import Calibration, curve_name
from backtalk.ledger.standing import standings
from backtalk.ledger.targets import targets
from backtalk.model.ids import CallKey
from backtalk.quality.intervals import Share, wilson
from backtalk.review.past import evidence_of
from backtalk.text.platt import Platt, expected_error, fit, log_odds

Row = Mapping[str, Any]
MessagesOf = Callable[[set[str]], Mapping[str, Row]]
"""Reads messages by their ids."""
ENOUGH: Final = 30
"""Rated claims from which on a calibration is fitted."""
BINS: Final = 5
_RULES: Final = 5


class Reading(NamedTuple):
    """What is known of one detector's claims of one kind."""

    detector: str
    version: str
    kind: str
    polarity: str
    volume: int
    claimed: float
    """Mean probability."""
    precision: Share
    """Of rated answers with the claim: how many were rated down (up, for a positive claim)."""
    lift: float | None
    """`precision.value` over that share among all rated answers."""
    curve: tuple[tuple[float, Share], ...]
    """Mean claimed probability and share that turned out so, by bin."""
    error: float | None
    """Expected calibration error."""
    calibration: Platt | None
    """None where too few answers were rated, or all alike."""
    rules: tuple[tuple[str, int], ...]


def ratings(feedback: Iterable[Row], calls: Sequence[Row], messages_of: MessagesOf) -> dict[CallKey, bool]:
    """The latest thumb of each call that counts (`ledger.standing`): True is up.

    `feedback` is all that was said: what supersedes, replaces or takes back a thumb takes it out, unless its call
    rejects it.
    """
    by_trace, by_response = _by(calls, "trace_id"), _by(calls, "response_id")
    resolved = [
        (row, targets(row, by_response[row["response_id"]] if row["response_id"] else by_trace[row["trace_id"]]))
        for row in feedback
    ]
    found: dict[CallKey, bool] = {}
    said = standings(resolved, messages_of(_judged_by(resolved)))
    for one in sorted(said, key=lambda one: (one.row["given_ns"], one.row["feedback_id"])):
        told = one.row["kind"] == "rating" and one.row["value_json"] in {"true", "false"}
        if told and one.state == "counts" and len(one.fits) == 1:
            found[CallKey(one.fits[0]["trace_id"], one.fits[0]["span_id"])] = one.row["value_json"] == "true"
    return found


def report(signals: Iterable[Row], rated: Mapping[CallKey, bool]) -> list[Reading]:
    """A reading for each detector, version and kind, the most frequent first."""
    groups: defaultdict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
    for row in signals:
        if row["fact"] == "signal":
            polarity = row.get("polarity") or "negative"
            groups[row["detector"], row["detector_version"], row["kind"], polarity].append(row)
    readings = [_reading(name, rows, rated) for name, rows in groups.items()]
    return sorted(readings, key=lambda reading: (-reading.volume, reading.detector, reading.kind, reading.version))


def _reading(name: tuple[str, str, str, str], rows: Sequence[Row], rated: Mapping[CallKey, bool]) -> Reading:
    detector, version, kind, polarity = name
    good = polarity == "positive"
    outcomes = [
        (row["probability"], rated[key] is good)
        for row in rows
        if polarity != "neutral" and (key := CallKey(row["trace_id"], row["span_id"])) in rated
    ]
    precision = wilson(sum(held for _, held in outcomes), len(outcomes))
    usual = sum(up is good for up in rated.values()) / len(rated) if rated else 0.0
    return Reading(
        detector,
        version,
        kind,
        polarity,
        len(rows),
        sum(row["probability"] for row in rows) / len(rows),
        precision,
        precision.value / usual if usual and outcomes else None,
        _curve(outcomes),
        expected_error([p for p, _ in outcomes], [held for _, held in outcomes]) if outcomes else None,
        _calibration(outcomes),
        tuple(Counter(rule for row in rows for rule in _rules(row)).most_common(_RULES)),
    )


def calibrations(signals: Iterable[Row], rated: Mapping[CallKey, bool]) -> Calibration:
    """A curve for each tenant's detector, version and kind with enough rated claims, from what it had said.

    What a model said is left as it was recorded: no curve is applied to it, so none is made.
    """
    groups: defaultdict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    for row in signals:
        key, polarity = CallKey(row["trace_id"], row["span_id"]), row.get("polarity") or "negative"
        if row["fact"] == "signal" and row.get("provenance") != "llm" and polarity != "neutral" and key in rated:
            said: float = ({"uncalibrated": row["probability"]} | evidence_of(row))["uncalibrated"]
            name = curve_name(row["detector"], row["detector_version"], row["kind"])
            groups[row["tenant"], name].append((said, rated[key] is (polarity == "positive")))
    curves: defaultdict[str, dict[str, Platt]] = defaultdict(dict)
    for (tenant, name), outcomes in sorted(groups.items()):
        if (curve := _calibration(outcomes)) is not None:
            curves[tenant][name] = Platt(round(curve.slope, 4), round(curve.intercept, 4))
    return Calibration(dict(curves))


def _curve(outcomes: Sequence[tuple[float, bool]]) -> tuple[tuple[float, Share], ...]:
    bins: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for probability, held in outcomes:
        bins[min(int(probability * BINS), BINS - 1)].append((probability, held))
    return tuple(
        (sum(p for p, _ in part) / len(part), wilson(sum(held for _, held in part), len(part)))
        for _, part in sorted(bins.items())
    )


def _calibration(outcomes: Sequence[tuple[float, bool]]) -> Platt | None:
    if len(outcomes) < ENOUGH or len({held for _, held in outcomes}) < 2:  # both outcomes
        return None
    return fit([log_odds(p) for p, _ in outcomes], [held for _, held in outcomes])


def _rules(row: Row) -> Iterable[str]:
    evidence = evidence_of(row)
    said = str(evidence.get("rules") or evidence.get("rule") or evidence.get("form") or evidence.get("limit") or "")
    return [rule for rule in said.split(", ") if rule]


def _judged_by(resolved: Iterable[tuple[Row, Sequence[Row]]]) -> set[str]:
    """The messages by which calls judge what was said of them: answers for a part of a text, tools for a correction."""
    calls = [
        call
        for row, fits in resolved
        for call in fits
        if row["kind"] == "correction" or row.get("span_end") is not None
    ]
    return {name for call in calls for name in (*(call.get("answer_ids") or ()), call.get("tools_id")) if name}


def _by(rows: Iterable[Row], column: str) -> defaultdict[Any, list[Row]]:
    found: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found
