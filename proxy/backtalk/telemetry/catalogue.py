"""Every metric that Backtalk records, with its unit, its meaning and the labels it may carry.

Names, units and bucket boundaries of `gen_ai.*` and `http.*` are those of OpenTelemetry's semantic conventions; ours
start with `backtalk.`. A metric that is not listed here cannot be recorded. No label ever holds an id of a user, a
session or a call.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]
"""How values add up: counters only grow, gauges are the last value, histograms count values by size."""

Label = str | int
"""The value of a label."""

OVERFLOW: Final = "otel.metric.overflow"
"""The label of the one series that takes what exceeds a metric's limit of label sets."""

LABELS_DROPPED: Final = "backtalk.telemetry.labels_dropped"
"""Counts values that went to an overflow series."""


class Metric(NamedTuple):
    """One metric; `unit` is UCUM, `across` says how gauges of several processes become one."""

    name: str
    kind: Kind
    unit: str
    sentence: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    across: Literal["sum", "max"] = "sum"


_OPERATION: Final = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
_TOKENS: Final = tuple(float(4**power) for power in range(14))
_HTTP: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_OVERHEAD: Final = (
    0.00005, 0.0001, 0.0002, 0.0003, 0.0005, 0.00075, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5,
)  # fmt: skip
_ASKED: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LOOK: Final = (0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5)
_MS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1_000.0)
_GEN_AI: Final = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "server.address",
    "server.port",
    "error.type",
)
_LATEST: Final = "gen_ai.client.inference"
_HTTP_LABELS: Final = (
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "url.scheme",
    "error.type",
)

_ALL: Final = (
    # calls, by the conventions
    Metric("gen_ai.client.operation.duration", "histogram", "s", "Duration of a model call.", _GEN_AI, _OPERATION),
    Metric(
        "gen_ai.client.operation.time_to_first_chunk",
        "histogram",
        "s",
        "Time from the request to the first chunk of a streamed response.",
        _GEN_AI,
        _OPERATION,
    ),
    Metric(
        "gen_ai.client.operation.time_per_output_chunk",
        "histogram",
        "s",
        "Mean time between two chunks of a streamed response, after the first.",
        _GEN_AI,
        _OPERATION,
    ),
    Metric(
        "gen_ai.client.token.usage",
        "histogram",
        "{token}",
        "Tokens of a call, as the provider reported them.",
        (*_GEN_AI, "gen_ai.token.type"),
        _TOKENS,
    ),
    # the same in the latest names (`telemetry.semconv`)
    *(
        Metric(f"{_LATEST}.{name}", "histogram", "s", f"{sentence}; latest names.", _GEN_AI, _OPERATION)
        for name, sentence in (
            ("duration", "Duration of a model call"),
            ("time_to_first_chunk", "Time to the first chunk of a streamed response"),
            ("time_per_output_chunk", "Mean time between two chunks, after the first"),
        )
    ),
    *(
        Metric(
            f"{_LATEST}.usage.{name}_tokens",
            "counter",
            "{token}",
            f"{sentence}; latest names.",
            (*_GEN_AI, "gen_ai.token.modality"),
        )
        for name, sentence in (
            ("input", "Input tokens, cached ones included"),
            ("output", "Output tokens, reasoning included"),
            ("cache_read.input", "Input tokens read from the provider's cache"),
            ("cache_write.input", "Input tokens written to the provider's cache"),
            ("reasoning.output", "Output tokens of reasoning"),
        )
    ),
    *(
        Metric(
            f"{_LATEST}.operation.{name}_tokens",
            "histogram",
            "{token}",
            f"{name.capitalize()} tokens of a call; latest names.",
            _GEN_AI,
            _TOKENS,
        )
        for name in ("input", "output")
    ),
    Metric(
        "http.server.request.duration",
        "histogram",
        "s",
        "Duration of a request at the proxy, up to the last byte.",
        _HTTP_LABELS,
        _HTTP,
    ),
    # the product
    Metric("backtalk.calls", "counter", "{call}", "Calls that ended, by outcome.", ("outcome",)),
    Metric("backtalk.signals", "counter", "{signal}", "Signals found.", ("kind", "model")),
    Metric("backtalk.relations", "counter", "{relation}", "Retries and duplicates told apart.", ("kind",)),
    Metric("backtalk.feedback", "counter", "{feedback}", "Feedback taken into the journal.", ("kind", "model")),
    Metric("backtalk.session.links", "counter", "{call}", "Calls put into a session, by rule.", ("rule",)),
    Metric("backtalk.cache.lookups", "counter", "{call}", "Calls that a route's cache could answer.", ("result",)),
    Metric(
        "backtalk.cost",
        "counter",
        "{USD}",
        "Cost of the calls whose price is known, in US dollars.",
        ("gen_ai.provider.name", "gen_ai.request.model"),
    ),
    Metric(
        "backtalk.cost.unknown", "counter", "{call}", "Answers whose price is not known.", ("gen_ai.provider.name",)
    ),
    # proxies
    Metric(
        "backtalk.proxy.overhead", "histogram", "s", "Time of a call that was spent in Backtalk itself.", (), _OVERHEAD
    ),
    Metric("backtalk.web.connections_refused", "counter", "{connection}", "Clients above `web.max_connections`."),
    Metric("backtalk.web.fresh_dropped", "counter", "{row}", "Rows that left the fresh index before their commit."),
    Metric("backtalk.proxy.calls_in_flight", "gauge", "{call}", "Calls that run now."),
    Metric("backtalk.capture.truncated", "counter", "{body}", "Bodies of which only a prefix was copied.", ("side",)),
    Metric("backtalk.spool.dropped", "counter", "{frame}", "Frames that were not spooled.", ("reason",)),
    Metric("backtalk.spool.bytes", "gauge", "By", "Bytes on disk in the spool."),
    Metric("backtalk.spool.syncs", "counter", "{sync}", "Group commits of the spool."),
    Metric("backtalk.erasure.done", "counter", "{erasure}", "Erasures that are carried out.", ("by",)),
    Metric("backtalk.erasure.failed", "counter", "{try}", "Steps of erasures that are to be tried again."),
    Metric("backtalk.feedback.lookups_timed_out", "counter", "{lookup}", "Look-ups of feedback that Redis missed."),
    Metric(
        "backtalk.feedback.unjoined",
        "gauge",
        "{feedback}",
        "Feedback of 90 days that has not found its call, counted every five minutes.",
        ("source", "age", "status"),
        across="max",
    ),
    Metric(
        "backtalk.conversion.share",
        "gauge",
        "{share}",
        "Share of the signals and feedback of 30 days that became rows of datasets, counted every 15 minutes.",
        ("fact", "kind"),
        across="max",
    ),
    Metric("backtalk.feedback.refused", "counter", "{feedback}", "Feedback that was refused.", ("code",)),
    Metric("backtalk.feedback.tokens_uncounted", "counter", "{token}", "Uses of tokens that Redis could not count."),
    Metric("backtalk.route.attempts", "counter", "{attempt}", "Attempts of routes.", ("target", "result")),
    Metric("backtalk.route.cooldowns", "counter", "{rest}", "Times that a failing target was let rest.", ("target",)),
    Metric("backtalk.keys.unchecked", "counter", "{call}", "Calls of virtual keys whose limits could not be asked."),
    Metric("backtalk.keys.uncounted", "counter", "{call}", "Calls of virtual keys whose use could not be counted."),
    # worker
    Metric("backtalk.worker.lag", "gauge", "s", "Age of the oldest frame that is not decided.", across="max"),
    Metric("backtalk.worker.frames", "counter", "{frame}", "Frames taken from the spools.", ("frame",)),
    Metric("backtalk.worker.bad_frames", "counter", "{frame}", "Frames that could not be read.", ("reason",)),
    Metric("backtalk.worker.late_frames", "counter", "{frame}", "Frames that came behind the watermark."),
    Metric("backtalk.worker.shed", "counter", "{call}", "Work left out under load.", ("what",)),
    Metric("backtalk.worker.not_understood", "counter", "{body}", "Bodies that could not be understood.", ("api",)),
    Metric("backtalk.redaction.replaced", "counter", "{value}", "Values replaced by placeholders.", ("kind",)),
    Metric("backtalk.redaction.failed", "counter", "{text}", "Texts withheld since a finder failed."),
    Metric("backtalk.redaction.duration", "histogram", "s", "Time to redact one request or response.", (), _LOOK),
    Metric("backtalk.detector.failures", "counter", "{failure}", "Failures of a detector.", ("detector",)),
    Metric("backtalk.detector.duration", "histogram", "s", "Time of one look of a detector.", ("detector",), _LOOK),
    Metric("backtalk.detector.skipped", "counter", "{call}", "Facts a resting detector did not see.", ("detector",)),
    Metric(
        "backtalk.annotator.questions",
        "counter",
        "{question}",
        "Questions of an annotator by what became of them.",
        ("annotator", "result"),
    ),
    Metric("backtalk.annotator.duration", "histogram", "s", "Time of one question to a model.", ("annotator",), _ASKED),
    Metric("backtalk.session.store_failed", "counter", "{failure}", "Session operations that failed.", ("operation",)),
    Metric("backtalk.session.failures", "counter", "{failure}", "Session operations without an answer.", ("kind",)),
    Metric("backtalk.session.skipped", "counter", "{call}", "Calls that got no session, for the store rested."),
    Metric(
        "backtalk.session.links_dropped",
        "counter",
        "{link}",
        "Links and ends of calls that could not wait for the session store.",
    ),
    Metric("backtalk.session.trimmed", "counter", "{entry}", "Entries that left a full list of session state."),
    Metric("backtalk.session.round_trip", "histogram", "ms", "Time of one exchange with the session store.", (), _MS),
    Metric("backtalk.session.unresolved", "counter", "{call}", "Calls with a history whose parent was not found."),
    Metric("backtalk.session.relinked", "counter", "{call}", "Calls whose parent was found at the second look."),
    Metric("backtalk.session.forgotten", "counter", "{call}", "Open calls let go of to keep the desk bounded."),
    Metric("backtalk.journal.bytes", "gauge", "By", "Bytes on disk in the journal."),
    Metric("backtalk.journal.shed", "counter", "By", "Journal bytes deleted to keep its limit, read or not."),
    Metric("backtalk.journal.skipped", "counter", "By", "Journal bytes a lagging reader has missed.", ("reader",)),
    # ledger
    Metric("backtalk.ledger.lag", "gauge", "By", "Journal bytes that are not committed.", across="max"),
    Metric("backtalk.ledger.commits", "counter", "{commit}", "Commits to the ledger.", ("table",)),
    Metric("backtalk.ledger.failed", "counter", "{failure}", "Commits that failed and were tried again.", ("table",)),
    # pipelines
    Metric("backtalk.pipeline.runs", "counter", "{run}", "Runs of pipelines that ended.", ("outcome",)),
    Metric("backtalk.pipeline.pruned", "counter", "By", "Bytes of old runs that were deleted."),
    Metric("backtalk.pipeline.webhooks", "counter", "{message}", "Proposals told to webhooks.", ("result",)),
    # exporters
    Metric("backtalk.export.lag", "gauge", "By", "Journal bytes not yet exported.", ("exporter",), across="max"),
    Metric("backtalk.export.facts", "counter", "{fact}", "Facts delivered.", ("exporter",)),
    Metric("backtalk.export.failed", "counter", "{batch}", "Batches that failed and come again.", ("exporter",)),
    Metric("backtalk.export.dropped", "counter", "{record}", "Records never delivered.", ("exporter", "reason")),
    Metric("backtalk.export.calls", "counter", "{call}", "Calls by why they were told of, or held.", ("result",)),
    Metric("backtalk.export.held", "gauge", "{call}", "Calls that wait for what may be said of them.", across="max"),
    Metric("backtalk.export.unheld", "counter", "{call}", "Calls of which nothing was said in time.", ("reason",)),
    # telemetry itself
    Metric(LABELS_DROPPED, "counter", "{value}", "Values that lost their labels to the limit.", ("metric",)),
)

METRICS: Final[Mapping[str, Metric]] = MappingProxyType({metric.name: metric for metric in _ALL})
"""The catalogue by name."""
