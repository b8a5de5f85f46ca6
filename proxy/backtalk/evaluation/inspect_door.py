"""The one door to inspect_ai: it runs the cases, and its log lies beside the scores.

In: cases, a model to ask, a judge to ask, and what to do with each scored case. Out: inspect's log. The one rule: our
model is asked by our own client behind inspect's public `@modelapi`, so the bytes of a request are ours, the trace of
each answer is known, and no tokenizer is fetched from anywhere.
"""

import asyncio
import importlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from backtalk.errors import SetupError, UpstreamError
from backtalk.evaluation.asking import Answered, Asker, CallIds, NoAnswerError
from backtalk.evaluation.cases import Case
from backtalk.model.chat import Message
from backtalk.model.chat_body import NotChatError

API: Final = "backtalk"
_CHARS_PER_TOKEN: Final = 4
_CASE: Final = "backtalk_case"

Scored = Callable[[Case, Answered, Mapping[str, float | str | None]], None]
Failed = Callable[[Case, NoAnswerError], None]
Judge = Callable[[Case, Message], tuple[Sequence[Mapping[str, Any]], Callable[[str], float | None]] | None]
"""What to ask a judge about an answer, and how to read its reply; None where there is nothing to judge."""


class Work(NamedTuple):
    """What one run of inspect does."""

    cases: Sequence[Case]
    model: str
    asker: Asker
    request: Callable[[Case], Mapping[str, Any]]
    """The request's fields beside the model."""
    score: Callable[[Case, Message], dict[str, float | str | None]]
    """The scores that need no model."""
    judge: Judge | None
    judge_model: str | None
    scored: Scored
    failed: Failed
    concurrency: int


class _Inspect(NamedTuple):
    """The modules that are used."""

    root: Any
    model: Any
    solver: Any
    scorer: Any
    dataset: Any
    tool: Any


def run(work: Work, log_dir: Path, *, name: str) -> None:
    """Ask, score and log every case; raises `SetupError` where inspect_ai is not installed."""
    inspect = _loaded()
    with ThreadPoolExecutor(work.concurrency, "evaluation") as threads:
        _register(inspect, work.asker, threads)
        task = inspect.root.Task(
            dataset=inspect.dataset.MemoryDataset([_sample(inspect, case) for case in work.cases], name=name),
            solver=_solver(inspect, work),
            scorer=_scorer(inspect, work),
            name=name,
        )
        try:
            logs = inspect.root.eval(
                task,
                model=_model(inspect, work.model),
                display="none",
                log_dir=str(log_dir),
                log_level="error",
                fail_on_error=False,
                max_samples=work.concurrency,
                max_connections=work.concurrency,
                ctl_server=False,
                score_display=False,
            )
        finally:
            work.asker.stop()
    if logs[0].status != "success":
        said = logs[0].error.message if logs[0].error else logs[0].status
        raise UpstreamError(f"the evaluation ended early: {said}", code="evaluation_failed")


def _loaded() -> _Inspect:
    names = ("inspect_ai", *(f"inspect_ai.{part}" for part in ("model", "solver", "scorer", "dataset", "tool")))
    try:
        return _Inspect(*(importlib.import_module(name) for name in names))
    except ImportError as error:
        message = f"an evaluation needs inspect_ai: pip install 'backtalk[evaluation]' ({error})"
        raise SetupError(message, code="missing_package") from error


def _register(inspect: _Inspect, asker: Asker, threads: ThreadPoolExecutor) -> None:
    """Name our model API to inspect."""
    model = inspect.model

    @model.modelapi(name=API)  # type: ignore[untyped-decorator]
    def backtalk() -> Any:
        class Backtalk(model.ModelAPI):  # type: ignore[misc, name-defined]
            """Asks by our own client."""

            async def generate(self, input: Any, tools: Any, tool_choice: Any, config: Any) -> Any:  # noqa: A002
                """One request: `extra_body` says all of it but the model."""
                del input, tools, tool_choice
                body = {"model": self.model_name, **config.extra_body}
                answered = await asyncio.get_running_loop().run_in_executor(threads, asker.ask, body)
                return _output(inspect, self.model_name, answered)

            def should_retry(self, ex: Exception) -> bool:
                """Our client has tried again already."""
                del ex
                return False

            async def count_text_tokens(self, text: str) -> int:
                """An estimate: a tokenizer would be fetched from a host of its own."""
                return -(-len(text) // _CHARS_PER_TOKEN)

        return Backtalk

    del backtalk


def _model(inspect: _Inspect, name: str) -> Any:
    return inspect.model.get_model(f"{API}/{name}", memoize=False)


def _sample(inspect: _Inspect, case: Case) -> Any:
    target = "" if case.reference is None else case.reference.text
    return inspect.dataset.Sample(
        id=case.sha256[:16],
        input=[_message(inspect, message) for message in case.prompt],
        target=target,
        metadata={_CASE: case.sha256, "row": case.row, "tag": case.tag},
    )


def _message(inspect: _Inspect, message: Message) -> Any:
    """A message as inspect's log shows it."""
    model, said = inspect.model, message.text or message.refusal or ""
    match message.role:
        case "assistant":
            return model.ChatMessageAssistant(content=said, tool_calls=_tool_calls(inspect, message) or None)
        case "tool":
            return model.ChatMessageTool(content=said, tool_call_id=message.tool_call_id)
        case "user":
            return model.ChatMessageUser(content=said)
        case _:
            return model.ChatMessageSystem(content=said)


def _tool_calls(inspect: _Inspect, message: Message) -> list[Any]:
    return [
        inspect.tool.ToolCall(id=call.id or str(number), function=call.name, arguments={"json": call.arguments})
        for number, call in enumerate(message.tool_calls)
    ]


def _output(inspect: _Inspect, model: str, answered: Answered) -> Any:
    used = answered.usage
    usage = inspect.model.ModelUsage(
        input_tokens=used.get("prompt_tokens", 0), output_tokens=used.get("completion_tokens", 0)
    )
    choice = inspect.model.ChatCompletionChoice(message=_message(inspect, answered.message))
    told = {"trace_id": answered.ids.trace_id, "span_id": answered.ids.span_id}
    whole = {"answered": msgspec.to_builtins(answered)}
    return inspect.model.ModelOutput(model=model, choices=[choice], usage=usage, metadata=told | whole)


def _solver(inspect: _Inspect, work: Work) -> Any:
    by_sha256 = {case.sha256: case for case in work.cases}

    @inspect.solver.solver(name="ask")  # type: ignore[untyped-decorator]
    def ask() -> Any:
        async def solve(state: Any, generate: Any) -> Any:
            del generate
            case = by_sha256[state.metadata[_CASE]]
            try:
                state.output = await _generated(inspect, work.model, state.messages, work.request(case))
            except NotChatError as error:
                failed = NoAnswerError(f"not asked: {error.reason}", CallIds(), again=False)
                work.failed(case, failed)
                raise failed from error
            except NoAnswerError as error:
                work.failed(case, error)
                raise
            state.messages.append(state.output.message)
            return state

        return solve

    return ask()


async def _generated(inspect: _Inspect, model: str, messages: Any, request: Mapping[str, Any]) -> Any:
    config = inspect.model.GenerateConfig(extra_body=dict(request))
    return await _model(inspect, model).generate(messages, config=config)


def _scorer(inspect: _Inspect, work: Work) -> Any:
    by_sha256 = {case.sha256: case for case in work.cases}

    @inspect.scorer.scorer(metrics={"*": [inspect.scorer.mean()]}, name=API)  # type: ignore[untyped-decorator]
    def backtalk() -> Any:
        async def score(state: Any, target: Any) -> Any:
            del target
            case = by_sha256[state.metadata[_CASE]]
            answered = msgspec.convert(state.output.metadata["answered"], Answered)
            scores = work.score(case, answered.message)
            if work.judge is not None and work.judge_model is not None:
                try:
                    scores["judge"] = await _judged(inspect, work, case, answered.message)
                except NoAnswerError as error:
                    work.failed(case, NoAnswerError(f"judge: {error}", answered.ids, again=error.again))
                    raise
            work.scored(case, answered, scores)
            return inspect.scorer.Score(
                value={name: value if isinstance(value, float) else float("nan") for name, value in scores.items()},
                answer=answered.message.text,
            )

        return score

    return backtalk()


async def _judged(inspect: _Inspect, work: Work, case: Case, answer: Message) -> float | str | None:
    asked = None if work.judge is None else work.judge(case, answer)
    if asked is None or work.judge_model is None:
        return None
    messages, read = asked
    request = {"messages": list(messages), "temperature": 0}
    output = await _generated(inspect, work.judge_model, "", request)
    verdict = read(msgspec.convert(output.metadata["answered"], Answered).message.text)
    return "unparsable" if verdict is None else verdict
