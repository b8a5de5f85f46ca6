"""The public door for plugins: everything a plugin may import comes from here."""

from backtalk.direct_http import open_directly
from backtalk.errors import SetupError
from backtalk.guard import Guarded, guarded
from backtalk.model.chat import Message, Request, Response, ToolCall, Usage
from backtalk.model.facts import (
    CallClosed,
    CallOpened,
    CallRelated,
    Fact,
    FeedbackGiven,
    Polarity,
    Provenance,
    Scalar,
    SessionLinked,
    SignalFound,
)
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.model.json_schema import NOT_JSON, breach, parsed
from backtalk.model.offered import answer_schema, tool_schemas
from backtalk.model.session import SessionView, Turn
from backtalk.plugin.lineage import (
    LineageColumn,
    LineageDataset,
    LineageEvent,
    LineageExporter,
    LineageFile,
    LineageName,
    LineageProposal,
    LineageRetirement,
    LineageRun,
    LineageSaid,
)
from backtalk.plugin.protocols import API_VERSION, Annotator, Detector, Exporter, Finder, Found, Question, Signal
from backtalk.plugin.receiver import NotThereError, Receiver, RefusedError
from backtalk.plugin.samples import (
    Answer,
    Evidence,
    Prompt,
    Reason,
    Redactor,
    Replacement,
    Sample,
    SampleBuilder,
    SampleKind,
    Unfit,
)
from backtalk.plugin.training import Trained, Trainer, TrainingFailedError, TrainingJob, job_settings
from backtalk.plugin.verdict_exporter import VerdictExporter
from backtalk.plugin.verdicts import Verdict
from backtalk.settings import key_variable
from backtalk.text.cues import Cue, cues
from backtalk.text.follow_up import FollowUp
from backtalk.text.words import language_of

__all__ = [
    "API_VERSION",
    "NOT_JSON",
    "Annotator",
    "Answer",
    "CallClosed",
    "CallKey",
    "CallOpened",
    "CallRelated",
    "Cue",
    "Detector",
    "Evidence",
    "Exporter",
    "Fact",
    "FeedbackGiven",
    "Finder",
    "FollowUp",
    "Found",
    "Guarded",
    "LineageColumn",
    "LineageDataset",
    "LineageEvent",
    "LineageExporter",
    "LineageFile",
    "LineageName",
    "LineageProposal",
    "LineageRetirement",
    "LineageRun",
    "LineageSaid",
    "Message",
    "NotThereError",
    "Polarity",
    "Prompt",
    "Provenance",
    "Question",
    "Reason",
    "Receiver",
    "Redactor",
    "RefusedError",
    "Replacement",
    "Request",
    "Response",
    "Sample",
    "SampleBuilder",
    "SampleKind",
    "Scalar",
    "SessionLinked",
    "SessionView",
    "SetupError",
    "Signal",
    "SignalFound",
    "SpanId",
    "ToolCall",
    "TraceId",
    "Trained",
    "Trainer",
    "TrainingFailedError",
    "TrainingJob",
    "Turn",
    "Unfit",
    "Usage",
    "Verdict",
    "VerdictExporter",
    "answer_schema",
    "breach",
    "cues",
    "guarded",
    "job_settings",
    "key_variable",
    "language_of",
    "open_directly",
    "parsed",
    "tool_schemas",
]
