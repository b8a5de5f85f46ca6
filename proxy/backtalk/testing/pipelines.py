"""Pipelines for tests: the shortest file that can be followed, with any line at will."""

import json
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import arro3.io
import msgspec

from backtalk.datasets.manifest import manifest_sha256
from backtalk.direct_http import open_directly
from backtalk.evaluation.plan import Plan
from backtalk.evaluation.scorers import SCORERS
from backtalk.evaluation.scores import CaseScores, Scores, summed, write_scores
from backtalk.model.chat import Message, Request
from backtalk.model.facts import CallClosed, Fact
from backtalk.model.meter import NoMeter
from backtalk.pipeline.definition import Pipeline, load_pipeline, parse_pipeline
from backtalk.pipeline.events import Began
from backtalk.pipeline.running import Asked, run
from backtalk.testing import stories


def pipeline_text(top: str = "", tables: str = "", *, trainer: str = "trl", evaluate: str = "") -> str:
    """A file: more lines at the top and in [evaluate], another trainer, and more tables."""
    return f"""recipe = "dpo"
evaluation = "exam"
context = "production"
{top}

[train]
trainer = "{trainer}"

[evaluate]
current = "small"
{evaluate}

{tables}
"""


SHELL: Final = """
[train.settings]
command = ["true"]
"""
"""What the trainer `shell` wants at least."""


def a_pipeline(
    top: str = "", tables: str = "", *, name: str = "support", folder: Path = Path(), **lines: str
) -> Pipeline:
    """A pipeline of such a file."""
    return parse_pipeline(name, pipeline_text(top, tables, **lines), folder)


def began(run_id: str, **fields: Any) -> Began:
    """The first event of a run."""
    plain: dict[str, Any] = {
        "at_ns": 1, "pipeline": "support", "text": "", "sha256": "0" * 64, "code_version": "0.1.0", "actor": "ada",
        "why": "enough",
    }  # fmt: skip
    return Began(run_id=run_id, **(plain | fields))


CURRENT: Final = "small"
"""The model in use."""
TUNED: Final = "tuned"
"""The model that comes of a training."""
TRAINER: Final = 'echo trained >> "$2" && printf weights > "$1/weights.bin"'
"""What the shell does with an artefact's folder and a file that counts."""


def corrected_calls(count: int, *, given_ns: int = stories.NOON_NS + 3 * 10**9) -> Iterator[Fact]:
    """Calls of as many users, each with a question of its own and a correction: what the echo would have said."""
    for number in range(count):
        text = f"What does the person of number {number} want to know about number {number * 7919 + 3}, please?"
        request = Request(model=CURRENT, messages=(Message("user", text),), user=f"user-{number}")
        call: CallClosed = stories.closed(
            call=stories.opened(request=request), session_id=f"s{number}", response_id=f"chatcmpl-{number}"
        )
        yield call
        yield stories.feedback(
            feedback_id=f"f{number:06d}", kind="correction", value_json=json.dumps(text), given_ns=given_ns + number,
            target_trace_id=call.key.trace_id, target_span_id=call.key.span_id,
        )  # fmt: skip


def trained_text(base_url: str, count: Path, top: str = "", tables: str = "", *, evaluate: str = "") -> str:
    """A pipeline that trains by a command, which writes a line into `count`, on corrections of the others' calls."""
    command = ["sh", "-c", TRAINER, "trainer", "{artefact}", str(count)]
    settings = f"[train.settings]\ncommand = {json.dumps(command)}\nmodel = {json.dumps(TUNED)}\n{tables}"
    evaluation = f"base_url = {json.dumps(base_url)}\nmin_cases = 3\n{evaluate}"
    text = pipeline_text(top, settings, trainer="shell", evaluate=evaluation)
    small = "[trigger]\nmin_new_facts = 10\n[validate]\nmin_rows = 5\nmin_evaluation_rows = 3\nmin_rows_per_split = 0\n"
    return text.replace('"exam"', '{ recipe = "eval", share = 0.3 }') + small


def silent(line: str) -> None:
    """Nobody looks on."""
    del line


def measured(plan: Plan, out: Path, ledger: Path, say: Callable[[str], None]) -> Scores:
    """Ask and score one row after the other, without what `backtalk evaluate` needs installed."""
    del ledger
    cases = [_case(plan, row) for row in _rows(plan.dataset)]
    say(f"{plan.model}: {len(cases)} cases")
    dataset_id = manifest_sha256(plan.dataset)[:16]
    errors = sum(case.error is not None for case in cases)
    scores = Scores(
        dataset_id, "exam", plan.model, plan.base_url, {}, None, summed(plan.scorers, cases), errors, tuple(cases)
    )
    out.mkdir(parents=True, exist_ok=True)
    write_scores(out, scores)
    return scores


def _case(plan: Plan, row: dict[str, Any]) -> CaseScores:
    messages = [{"role": one["role"], "content": one["text"]} for one in json.loads(row["prompt"])]
    body = json.dumps({"model": plan.model, "messages": messages}).encode()
    headers = {"content-type": "application/json", "x-backtalk-purpose": "evaluation"}
    request = urllib.request.Request(f"{plan.base_url}/chat/completions", body, headers)  # noqa: S310 -- a test's own
    try:
        with open_directly(request, 10) as reply:
            text = str(json.load(reply)["choices"][0]["message"]["content"])
    except OSError as error:
        return CaseScores(row["sha256"], row["row"], row["row"], error=str(error))
    reference = msgspec.json.decode(row["reference"], type=Message) if row["reference"] else None
    scores = {name: SCORERS[name](reference, Message("assistant", text)) for name in plan.scorers}
    return CaseScores(row["sha256"], row["row"], row["row"], scores)


def _rows(dataset: Path) -> Iterator[dict[str, Any]]:
    for file in sorted((dataset / "rows").glob("*.parquet")):
        table = cast("Any", arro3.io.read_parquet(file).read_all())
        columns: list[list[Any]] = [table.column(name).to_pylist() for name in table.column_names]
        yield from (dict(zip(table.column_names, values, strict=True)) for values in zip(*columns, strict=True))


def main(arguments: Sequence[str]) -> None:
    """Run a pipeline as a process of its own, measured as above: `FILE DATA_DIR`."""
    file, data_dir = map(Path, arguments)
    asked = Asked("ada", measure=measured)
    done = run(data_dir, load_pipeline(file), asked, metrics=NoMeter(), say=lambda line: print(line, flush=True))  # noqa: T201
    print(done.state.state(at_work=False) if done.state else "no run")  # noqa: T201 -- what whoever started it reads


if __name__ == "__main__":
    main(sys.argv[1:])
