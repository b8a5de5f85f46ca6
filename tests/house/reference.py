"""Write `proxy/REFERENCE.md` and `deploy/example.toml` from the code, so that neither can say anything else.

    python tests/house/reference.py [--check]

In: settings, catalogues, protocols, and the sources' own words. Out: the two files; with `--check` nothing is written
and the exit status says whether they are up to date.
"""

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, cast, get_args

from pydantic_core import PydanticUndefined

from backtalk import settings
from backtalk.model import feedback_token
from backtalk.model.endpoints import OLLAMA
from backtalk.model.facts import SignalKind
from backtalk.observe import headers
from backtalk.observe.tenants import CREDENTIALS
from backtalk.plugin import API_VERSION, Detector, Exporter, Finder, LineageExporter
from backtalk.relay import attempt, response_cache
from backtalk.settings.section import fields_of
from backtalk.telemetry import METRICS

ROOT: Final = Path(__file__).parents[2]
REFERENCE: Final = ROOT / "proxy" / "REFERENCE.md"
EXAMPLE: Final = ROOT / "deploy" / "example.toml"
PACKAGE: Final = ROOT / "proxy" / "backtalk"

RESPONSE_HEADERS: Final[Mapping[str, str]] = {
    "x-request-id": "The call: `{trace_id}-{span_id}`. Feedback takes it as `request_id`.",
    "x-trace-id": "The call's W3C trace id; several calls may share one.",
    "traceresponse": "The same ids in the form of W3C Trace Context level 2.",
    "x-feedback-token": "Where `feedback.tokens` is on: a page may give feedback to this call with it.",
    "x-upstream-request-id": "The `x-request-id` that the upstream sent, where it sent one.",
    "x-backtalk-target": "Where a route sent the call: the target that answered, or that was the last to fail.",
    "x-backtalk-cache": "Where a route keeps answers: `hit`, `miss`, or `bypass` where a fresh one was wanted.",
    "age": "On an answer that a route had kept: its age in seconds.",
    "x-feedback-ask": "Where `feedback.ask` is on: `none`, `inline` or `prominent`, how to ask about this answer.",
    "x-backtalk-attempts": "Where a route sent the call: how many attempts it took, the last one included.",
}
REQUEST_HEADERS: Final[Mapping[str, str]] = {
    "traceparent": "W3C trace context: the call joins this trace. A malformed one gives a fresh trace, never an error.",
    "tracestate": "Forwarded unchanged beside `traceparent`.",
    "baggage": "Its `session.id` names the session where no header does.",
    "x-prompt-name": "Names the prompt template that was filled in; `metadata.prompt_name` does too, or `prompt.id`.",
    "x-prompt-version": "The version of that template; `metadata.prompt_version` does too, or `prompt.version`.",
    "x-session-id": "Names the session; `session.header` sets another name.",
    "x-conversation-id": "Kept with the call.",
    "session-id": "Kept with the call.",
    "authorization": "The caller's key: passed on, or replaced by `upstream_api_key`. Only its keyed hash is kept.",
    "x-api-key": "As `authorization`.",
    "api-key": "As `authorization`.",
    "x-goog-api-key": "As `authorization`.",
    "anthropic-beta": "Kept with the call.",
    "anthropic-version": "Kept with the call.",
    "openai-beta": "Kept with the call.",
    "idempotency-key": "On feedback: a repeat under the same key counts once. On calls: passed on.",
    "x-client-request-id": "Kept with the call.",
    "x-stainless-*": "`x-stainless-retry-count` tells a client's own retry from a regeneration.",
    "x-backtalk-*": (
        "Kept with the call. `x-backtalk-purpose: evaluation` says that it is no user's: it is in the ledger, and in "
        "no session, dataset, review, coverage or conversion."
    ),
    "x-feedback-token": "On feedback: the token of the answer it is about, in place of a key.",
    "origin": "Pages are told by it: `feedback.allowed_origins` and `web.allowed_origins` list those that are let in.",
    "user-agent": "Part of the hash that tells clients apart.",
    "accept": "Kept with the call.",
    "content-encoding": "Compressed bodies pass unchanged and are understood.",
    "content-type": "Says how a body is to be understood.",
}
_HEADERS: Final = vars(headers)
NOT_COPIED: Final = frozenset({"traceparent", "tracestate", "baggage", "x-feedback-token", "origin"})
"""Honoured where the request arrives; not among the headers that are kept."""
SIGNALS: Final = {
    "regeneration": ("regeneration", "the answer beside the new call was passed over"),
    "reformulation": ("reformulation", "the answer did not serve, for the question came again in other words"),
    "assistant_edit": ("assistant_edit", "the answer was edited before the conversation went on"),
    "stop": ("stop", "the answer was stopped by the person who read it"),
    "correction": ("follow_up", "the next turn says that the answer was wrong or not what was asked"),
    "acceptance": ("follow_up", "the next turn says that the answer served (positive)"),
    "clarification": ("follow_up", "the next turn says that the answer was not understood"),
    "escalation": ("follow_up", "the next turn asks for a human"),
    "language_switch": ("dialogue", "the person went on in another language (neutral)"),
    "topic_change": ("dialogue", "the turn was edited into something else (neutral)"),
    "model_switch": ("dialogue", "the next call went to another model (neutral)"),
    "resumption": ("dialogue", "the dialogue went on after a long pause (neutral)"),
    "refusal": ("answer", "the model declined"),
    "apology_loop": ("answer", "the answer apologises, and so did the one before it"),
    "empty_answer": ("answer", "a success without text, tool call or refusal"),
    "exhaustion": ("answer", "cut or refused by a limit: length, filter, context, rate"),
    "invalid_tool_arguments": ("tool_use", "the arguments of a tool call are no JSON"),
    "tool_schema_violation": ("tool_use", "the arguments break the tool's schema, or no such tool was offered"),
    "tool_error_repeated": ("tool_use", "a tool that answered with an error is called again"),
    "tool_loop": ("tool_use", "the third call of a tool with the same arguments in one run"),
    "parameter_drift": ("tool_use", "ever other arguments for one tool, after errors"),
    "invalid_structured_output": ("tool_use", "the answer is not the JSON that was asked for"),
}
"""Each signal's detector and what it claims of an answer."""
RELATIONS: Final[Mapping[str, str]] = {
    "automatic_retry": "A client sent the same request again because the first try had failed.",
    "duplicate": "The same request was sent while the first was still running, or fanned out.",
    "retrieval": "The answer of a background response was fetched.",
}
_ROUTES_EXAMPLE: Final = (
    "# Models that are answered elsewhere than at `upstream`; all keys are in proxy/REFERENCE.md.",
    "# [targets.local]",
    '# url = "http://127.0.0.1:8000/v1"',
    "# [targets.hosted]",
    '# url = "https://models.example/v1"',
    '# api_key_env = "HOSTED_API_KEY"',
    '# [routes."qwen-*"]',
    '# targets = ["local"]',
    '# fallbacks = ["hosted"]',
)
_ENDPOINT: Final = re.compile(r"`?(?P<method>GET|POST|PUT|DELETE) (?P<path>/[^\s`:]*)`?: (?P<says>[^\n]+)")


ADMIN: Final = ("admin", "audits", "conversions", "erasures", "feedback_admin", "pipelines", "reviews")
"""Modules of `web/` whose endpoints stand on the admin listener."""


class Raised(NamedTuple):
    """An error code where it is raised."""

    code: str
    status: str
    message: str


def reference() -> str:
    """The whole of `proxy/REFERENCE.md`."""
    sections = [
        _INTRODUCTION,
        _section("Settings", "Set in `backtalk.toml`, or by the variable; the variable wins.", _settings()),
        _section(
            "Targets", "Tables `[targets.<name>]` of `backtalk.toml`; docs/routes.md tells how.", _keys("targets")
        ),
        _section(
            "Routes", "Tables `[routes.<name>]`; a route that names no models is named by its model.", _keys("routes")
        ),
        _section("Declared metrics", "Tables `[metrics.<name>]`; docs/feedback.md tells how.", _keys("metrics")),
        _section(
            "Response headers",
            "Ids are on every response of any kind, errors and streams too; `x-backtalk-*` where their sentence says.",
            _sentences(RESPONSE_HEADERS),
        ),
        _section(
            "Request headers", "What Backtalk reads. Every other header passes on unread.", _sentences(REQUEST_HEADERS)
        ),
        _section("Endpoints", _ENDPOINTS_INTRODUCTION, _endpoints()),
        _section("Errors", _ERRORS_INTRODUCTION, _errors()),
        _section("Signals", "`kind` of what was noticed about an answer.", _signals()),
        _section("Relations", "Facts about two calls that say nothing of an answer's quality.", _sentences(RELATIONS)),
        _section("Metrics", "On the admin listener's `/metrics`, and over OTLP where that is set up.", _metrics()),
        _section("Hooks", f"What a plugin may be, version {API_VERSION}; `backtalk.plugin` has the types.", _hooks()),
    ]
    return "\n\n".join(sections) + "\n"


def example() -> str:
    """The whole of `deploy/example.toml`: every setting with its default."""
    lines: list[str | None] = [
        "# Every setting with its default. Copy it to `backtalk.toml`, and keep only what you change."
    ]
    section: tuple[str, ...] = ()
    for path, sentence, default in sorted(settings.fields(), key=lambda field: len(field[0])):
        if path in settings.TABLES:
            continue
        if path[:-1] != section:
            section = path[:-1]
            lines += ["", f"[{'.'.join(section)}]"]
        lines += ["" if not section else None, f"# {sentence}", _toml_line(path[-1], default)]
    lines += ["", *_ROUTES_EXAMPLE]
    lines += ["", "# Sections [plugin.<name>] are checked by each plugin.", "# [plugin.regeneration]"]
    return "\n".join(line for line in lines if line is not None) + "\n"


def raised() -> Iterator[Raised]:
    """Every error that the sources raise with a code that is written there, or in a constant of the module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.is_relative_to(PACKAGE / "testing") or path.is_relative_to(PACKAGE / "demo"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = _constants(tree)
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
                yield from _raised_in(function, constants)


def endpoints() -> Iterator[tuple[str, str, str, str]]:
    """Every endpoint as (listener, method, path, sentence), from the docstrings of the handlers."""
    yield "public", "any", "/v1/*", "Relayed to the upstream, byte by byte, streaming or not."
    yield "public", "any", "/openai/*", "Azure's paths: relayed to where the upstream is without its own `/v1`."
    for ollama in sorted(OLLAMA):
        yield "public", "any", ollama, "Ollama's: relayed as Azure's paths are."
    for path in sorted((PACKAGE / "web").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        listener = "admin" if path.stem in ADMIN else "public"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
                found = _ENDPOINT.match(ast.get_docstring(node) or "")
                if found:
                    yield listener, found["method"], found["path"], found["says"]


def main(arguments: list[str]) -> int:
    """Write the files, or say whether they are up to date."""
    stale = 0
    for path, text in ((REFERENCE, reference()), (EXAMPLE, example())):
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)} {'is stale' if '--check' in arguments else 'written'}\n")
    return 1 if stale and "--check" in arguments else 0


def _raised_in(function: ast.AST, constants: Mapping[str, str]) -> Iterator[Raised]:
    words: dict[str, str] = {}
    for node in _own_nodes(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            words[node.targets[0].id] = _text(node.value, words)
        if isinstance(node, ast.Call) and _name(node.func).endswith("Error"):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            for code in _codes(given.get("code"), constants):
                message = _text(node.args[0], words) if node.args else ""
                yield Raised(code, _status(node, given.get("status")), message)


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The function's nodes in the order of the source, without those of functions inside it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child
            yield from _own_nodes(child)


def _codes(node: ast.expr | None, constants: Mapping[str, str]) -> list[str]:
    match node:
        case ast.Constant(value=str(code)):
            return [code]
        case ast.Name(id=name) if name in constants:
            return [constants[name]]
        case ast.BoolOp(values=values):
            return [code for value in values for code in _codes(value, constants)]
        case ast.IfExp(body=body, orelse=orelse):
            return _codes(body, constants) + _codes(orelse, constants)
        case _:
            return []


def _constants(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
            found[target.id] = value.value
    return found


def _status(call: ast.Call, given: ast.expr | None) -> str:
    defaults = {"RequestError": "400", "UpstreamError": "502", "StoreError": "503", "SetupError": "start"}
    if isinstance(given, ast.Constant):
        return str(given.value)
    return "any" if given is not None else defaults.get(_name(call.func), "500")


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _text(node: ast.expr, words: Mapping[str, str]) -> str:
    """A message as it is written, with its values in braces."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, words) for part in parts)
        case ast.FormattedValue(value=value):
            return "{" + _last_name(value) + "}"
        case ast.Name(id=name):
            return words.get(name, "{" + name + "}")
        case _:
            return "{" + _last_name(node) + "}"


def _last_name(node: ast.expr) -> str:
    names = re.findall(r"[A-Za-z]\w*", ast.unparse(node))
    return names[-1].lower() if names else "value"


def _settings() -> str:
    rows = [
        (f"`{'.'.join(path)}`", _variable(path), _default(default), sentence)
        for path, sentence, default in settings.fields()
    ]
    return _table(("setting", "variable", "default", "what it is"), rows)


def _keys(table: str) -> str:
    """The keys of the tables in a table of named tables."""
    fields = fields_of(settings.NAMED[table])
    return _table(("key", "default", "what it is"), [(f"`{path[-1]}`", _default(d), says) for path, says, d in fields])


def _variable(path: tuple[str, ...]) -> str:
    return "none" if path in settings.TABLES else f"`{settings.variable(path)}`"


def _endpoints() -> str:
    found = sorted(endpoints(), key=lambda endpoint: endpoint[0], reverse=True)
    rows = [(listener, method, f"`{path}`", says[0].upper() + says[1:]) for listener, method, path, says in found]
    return _table(("listener", "method", "path", "what it is"), rows)


def _errors() -> str:
    rows = sorted({(f"`{code}`", status, message.replace("|", "\\|")) for code, status, message in raised()})
    return _table(("code", "status", "message"), rows)


def _metrics() -> str:
    rows = [
        (
            f"`{metric.name}`",
            metric.kind,
            metric.unit,
            ", ".join(f"`{label}`" for label in metric.labels),
            metric.sentence,
        )
        for metric in METRICS.values()
    ]
    return _table(("metric", "kind", "unit", "labels", "what it is"), rows)


def _signals() -> str:
    rows = [(f"`{kind}`", *SIGNALS[kind]) for kind in get_args(SignalKind)]
    return _table(("kind", "detector", "what it claims"), rows)


def _hooks() -> str:
    rows = [
        (f"`{protocol.__name__}.{name}`", (inspect.getdoc(member) or "").partition("\n")[0])
        for protocol in (Detector, Finder, Exporter, LineageExporter)
        for name, member in vars(protocol).items()
        if inspect.isfunction(member) and not name.startswith("_")
    ]
    return _table(("hook", "what it does"), rows)


def _sentences(said: Mapping[str, str]) -> str:
    return _table(("name", "what it is"), [(f"`{name}`", sentence) for name, sentence in said.items()])


def copied_request_headers() -> set[str]:
    """The request headers that the code keeps or reads, as this page names them."""
    named = {name.decode() for name in {*_HEADERS["_REQUEST"], *CREDENTIALS}}
    return named | {prefix.decode() + "*" for prefix in _HEADERS["_REQUEST_PREFIXES"]}


def added_response_headers() -> set[str]:
    """The response headers that the code adds."""
    return {
        name.decode()
        for name in {
            *(*_HEADERS["_OURS"], headers.ASK, feedback_token.HEADER),
            *(attempt.TARGET, attempt.ATTEMPTS, response_cache.CACHE, response_cache.AGE),
        }
    }


def _default(value: object) -> str:
    if value is None:
        return "unset"
    if value is PydanticUndefined:
        return "required"
    if value == ():
        return "empty"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, cast(tuple[object, ...], value)))}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "empty" if value == {} else f"`{value}`"


def _toml_line(name: str, default: object) -> str:
    match default:
        case None:
            return f'# {name} = ""'
        case bool():
            return f"{name} = {str(default).lower()}"
        case int() | float():
            return f"{name} = {default}"
        case tuple():
            return f"{name} = {json.dumps(list(cast(tuple[object, ...], default)))}"
        case _:
            return f'{name} = "{default}"'


def _section(title: str, introduction: str, body: str) -> str:
    return f"## {title}\n\n{introduction}\n\n{body}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


_INTRODUCTION: Final = """# Reference

Every name that Backtalk answers to. This page is written from the code (`make reference`), and a
test holds the two together."""
_ENDPOINTS_INTRODUCTION: Final = """The public listener is the model API plus the reserved paths `/v1/feedback*` and
`/feedback.js`. The admin listener wants `Authorization: Bearer <token>`, except for the two probes."""
_ERRORS_INTRODUCTION: Final = """Errors of Backtalk's own have OpenAI's shape: `{"error": {"message", "type", "code",
"param", "trace_id"}}`. Under `/v1/messages` they have Anthropic's (the same in `{"type": "error", "error": {...}}`,
with a type of theirs), and under `/api/` Ollama's (`{"error": "message", "code", "trace_id"}`). Errors of the upstream
pass untouched. `start` means: said by a command, not over HTTP."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
