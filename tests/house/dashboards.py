"""Write the Grafana dashboard and the Prometheus alert rules in `deploy/grafana/` from the catalogue of metrics.

    python tests/house/dashboards.py

In: the catalogue, the rows of `ROWS`, the rules of `ALERTS`. Out: `backtalk.json` and `alerts.yml`. A metric is named
as in the catalogue and its expression is made from its kind, so that no panel asks for a series that nothing records; a
metric that no row names gets a panel of its own in the last row.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from backtalk.telemetry import METRICS
from backtalk.telemetry.panels import (
    WINDOW,
    Panel,
    either,
    level,
    level_of,
    quantile_of,
    rate,
    rate_of,
    share_of,
    spread,
)

ROOT: Final = Path(__file__).parents[2]
DASHBOARD: Final = ROOT / "deploy" / "grafana" / "backtalk.json"
RULES: Final = ROOT / "deploy" / "grafana" / "alerts.yml"
_WIDTH: Final = 8
_HEIGHT: Final = 7


class Alert(NamedTuple):
    """One rule: it fires when `expression` has held for `for_s`; `sentence` says what to do."""

    name: str
    expression: str
    for_s: int
    severity: Literal["critical", "warning"]
    sentence: str


def _calls(window: str, where: str = "") -> str:
    return rate_of("backtalk.calls", window=window, where=where)


def _failed_calls(window: str) -> str:
    return _calls(window, 'outcome=~"failed|interrupted|upstream_error|upstream_timeout"')


def _of_models(title: str, what: str) -> Panel:
    """A histogram that the two generations of GenAI names call differently."""
    names = (f"gen_ai.client.operation.{what}", f"gen_ai.client.inference.{what}")
    return either(*(spread(title, name, "gen_ai.request.model") for name in names))


def _tokens(kind: str) -> Panel:
    title = f"{kind.capitalize()} tokens per call"
    return either(
        spread(title, "gen_ai.client.token.usage", where=f'gen_ai_token_type="{kind}"'),
        spread(title, f"gen_ai.client.inference.operation.{kind}_tokens"),
    )


ROWS: Final[Mapping[str, Sequence[Panel]]] = {
    "What users thought": (
        rate("Signals", "backtalk.signals", "kind", sentence="Signals found, by kind."),
        rate("Signals by model", "backtalk.signals", "model", sentence="Signals found, by the model of the answer."),
        Panel(
            "Signals per call",
            (
                (
                    "{{kind}}",
                    (
                        f"{rate_of('backtalk.signals', 'kind')} / ignoring(kind) group_left ()"
                        f" ({_calls(WINDOW)} > 0) or vector(0)"
                    ),
                ),
            ),
            "percentunit",
            "Signals of each kind as a share of calls. `backtalk signals report` says how far to believe it.",
            frozenset(("backtalk.signals", "backtalk.calls")),
        ),
        rate("Feedback", "backtalk.feedback", "kind", sentence="Feedback taken, by kind."),
        rate("Feedback by model", "backtalk.feedback", "model", sentence="Feedback taken, by the model of the answer."),
        rate("Feedback refused", "backtalk.feedback.refused", "code", sentence="What the door sent back, and why."),
        rate("Retries and duplicates", "backtalk.relations", "kind", sentence="Told apart from regenerations."),
    ),
    "Calls": (
        rate("Calls", "backtalk.calls", "outcome", sentence="Calls that ended, by outcome."),
        Panel(
            "Calls that failed",
            (("share", share_of(_failed_calls(WINDOW), _calls(WINDOW))),),
            "percentunit",
            "Calls that ended without an answer, as a share of all.",
            frozenset(("backtalk.calls",)),
        ),
        _of_models("Duration", "duration"),
        _of_models("Time to first chunk", "time_to_first_chunk"),
        _of_models("Time per chunk", "time_per_output_chunk"),
        _tokens("input"),
        _tokens("output"),
        spread("HTTP requests", "http.server.request.duration"),
        rate("Cost", "backtalk.cost", "gen_ai.request.model", sentence="US dollars a second, where prices are known."),
        spread("Own overhead", "backtalk.proxy.overhead", sentence="Time of a call that was spent in Backtalk."),
    ),
    "Health": (
        level("Worker lag", "backtalk.worker.lag", sentence="Age of the oldest frame that is not decided."),
        level("Calls in flight", "backtalk.proxy.calls_in_flight"),
        level("Spool", "backtalk.spool.bytes", sentence="Grows without end when the worker is away."),
        level("Journal", "backtalk.journal.bytes", sentence="Cut behind its slowest reader."),
        level("Ledger lag", "backtalk.ledger.lag", sentence="Journal bytes that are not committed."),
        rate("Ledger commits", "backtalk.ledger.commits", "table"),
        rate("Frames dropped", "backtalk.spool.dropped", "reason", sentence="Calls that left no trace."),
        spread("Session store", "backtalk.session.round_trip", sentence="One exchange with Redis."),
        spread("Detectors", "backtalk.detector.duration", "detector", sentence="One look of a detector."),
        rate("Detector failures", "backtalk.detector.failures", "detector"),
    ),
}
"""The rows that somebody looks at first, in order."""

_BROKEN: Final = "5m"
ALERTS: Final = (
    Alert(
        "BacktalkIsGone",
        f"absent({level_of('backtalk.worker.lag')})",
        120,
        "critical",
        "No worker reports. Look at `backtalk doctor` and at the log of `backtalk serve`.",
    ),
    Alert(
        "BacktalkWorkerLags",
        f"{level_of('backtalk.worker.lag')} > 30",
        300,
        "warning",
        "Signals come late. The worker has less capacity than there are calls, or Redis is slow.",
    ),
    Alert(
        "BacktalkDropsCalls",
        f"{rate_of('backtalk.spool.dropped', window=_BROKEN)} > 0",
        0,
        "critical",
        "Calls are answered but leave no trace: the spool's disk is full, slow or broken. The label `reason` tells.",
    ),
    Alert(
        "BacktalkCallsFail",
        f"({share_of(_failed_calls(_BROKEN), _calls(_BROKEN))}) > 0.05",
        300,
        "critical",
        "More than one call in twenty gets no answer. Look at the upstream first: traces with outcome upstream_error.",
    ),
    Alert(
        "BacktalkIsSlow",
        f"{quantile_of(0.99, 'backtalk.proxy.overhead', window=_BROKEN)} > 0.05",
        600,
        "warning",
        "One call in a hundred spends more than 50 ms in Backtalk itself: the machine is short of processor time.",
    ),
    Alert(
        "BacktalkLedgerFails",
        f"{rate_of('backtalk.ledger.failed', 'table', window=_BROKEN)} > 0",
        600,
        "critical",
        "Commits fail and are tried again; nothing is lost while the journal has room. Look at the ledger's disk.",
    ),
    Alert(
        "BacktalkJournalSkips",
        f"{rate_of('backtalk.journal.skipped', 'reader', window=_BROKEN)} > 0",
        0,
        "critical",
        "A reader of the journal was so far behind that facts passed it by. `journal.max_bytes` is the bound.",
    ),
    Alert(
        "BacktalkExportFails",
        f"{rate_of('backtalk.export.failed', 'exporter', window=_BROKEN)} > 0",
        900,
        "warning",
        "The telemetry backend refuses or is away; batches come again. Calls are not touched.",
    ),
    Alert(
        "BacktalkExportDrops",
        f"{rate_of('backtalk.export.dropped', 'exporter', 'reason', window=_BROKEN)} > 0",
        0,
        "warning",
        "Records never reach the telemetry backend. They are in the ledger all the same.",
    ),
    Alert(
        "BacktalkDetectorFails",
        f"{rate_of('backtalk.detector.failures', 'detector', window=_BROKEN)} > 0",
        600,
        "warning",
        "A detector raises and rests in between; its signals are missing. `backtalk replay` finds them later.",
    ),
    Alert(
        "BacktalkSessionsFail",
        f"{rate_of('backtalk.session.store_failed', window=_BROKEN)} > 0",
        300,
        "warning",
        "Redis is away or slow: calls get no session, so no signals. Answers and feedback are not touched.",
    ),
    Alert(
        "BacktalkKeysUnchecked",
        f"{rate_of('backtalk.keys.unchecked', window=_BROKEN)} > 0",
        300,
        "warning",
        "Limits of virtual keys cannot be asked, so calls pass unlimited. Look at Redis.",
    ),
)
"""The rules; a share or a lag below them is nobody's night."""


def dashboard() -> str:
    """The whole of `backtalk.json`."""
    panels = list(_placed({**ROWS, "Everything else": tuple(_left_over())}))
    document = {
        "title": "Backtalk",
        "uid": "backtalk",
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "tags": ["backtalk"],
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": panels,
    }  # fmt: skip
    return json.dumps(document, indent=1) + "\n"


def rules() -> str:
    """The whole of `alerts.yml`; quoted as JSON, which YAML reads."""
    lines = [
        "# Written by `make reference` from the catalogue of metrics.",
        "groups:",
        "  - name: backtalk",
        "    rules:",
    ]
    for alert in ALERTS:
        lines += [
            f"      - alert: {alert.name}",
            f"        expr: {json.dumps(alert.expression)}",
            f"        for: {alert.for_s}s",
            f"        labels: {{severity: {alert.severity}}}",
            f"        annotations: {{description: {json.dumps(alert.sentence)}}}",
        ]
    return "\n".join(lines) + "\n"


def all_panels() -> Iterator[Panel]:
    """Every panel of the dashboard."""
    for row in ROWS.values():
        yield from row
    yield from _left_over()


def _left_over() -> Iterator[Panel]:
    """Panels of the rest; most installations do not use all of it, and an empty panel looks broken."""
    shown = {name for row in ROWS.values() for panel in row for name in panel.metrics}
    of_kind = {"counter": rate, "gauge": level, "histogram": spread}
    for name, metric in METRICS.items():
        if name not in shown:
            panel = of_kind[metric.kind](name, name, *metric.labels[:1])
            yield panel._replace(queries=tuple((legend, f"{asked} or vector(0)") for legend, asked in panel.queries))


def _placed(rows: Mapping[str, Sequence[Panel]]) -> Iterator[dict[str, Any]]:
    """Rows and panels with their places: three panels side by side."""
    top = number = 0
    for title, panels in rows.items():
        yield {"type": "row", "title": title, "id": (number := number + 1), "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": top, "w": 3 * _WIDTH, "h": 1}}  # fmt: skip
        for at, panel in enumerate(panels):
            place = {"x": at % 3 * _WIDTH, "y": top + 1 + at // 3 * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            yield _graph(panel, number := number + 1, place)
        top += 1 + -(-len(panels) // 3) * _HEIGHT


def _graph(panel: Panel, number: int, place: Mapping[str, int]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.sentence,
        "id": number,
        "gridPos": place,
        "datasource": source,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "expr": expression, "legendFormat": legend or "all", "datasource": source}
            for at, (legend, expression) in enumerate(panel.queries)
        ],
    }


if __name__ == "__main__":
    DASHBOARD.write_text(dashboard(), encoding="utf-8")
    RULES.write_text(rules(), encoding="utf-8")
    print(f"{DASHBOARD.relative_to(ROOT)} and {RULES.relative_to(ROOT)} are written")  # noqa: T201 -- says what it did
