"""Datasets from a real ledger: facts go in, files come out."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from backtalk.datasets.build import build_dpo
from backtalk.errors import SetupError
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.model.chat import Message, Request, ToolCall
from backtalk.model.facts import CallClosed, Fact, JournalEntry
from backtalk.testing import stories

ASKED = Message("user", "Why is the sky blue?")
PROMPT = [{"role": "user", "content": "Why is the sky blue?"}]
BAD = [{"role": "assistant", "content": "Rayleigh scattering."}]
TRL_PYTHON: Final = Path(__file__).parents[3] / ".venvs" / "trl" / "bin" / "python"
"""The environment of deploy/locks/trl.lock, as `make test-trl` sets it up."""
TRL_READS: Final = """
import json, sys
from datasets import load_dataset
from trl.data_utils import extract_prompt, is_conversational, maybe_extract_prompt
rows = load_dataset("json", data_files=sys.argv[1], split="train", cache_dir=sys.argv[2])
found = []
for row in rows:
    assert is_conversational(row), row
    kept = maybe_extract_prompt(row)
    whole = {name: row["prompt"] + row[name] for name in ("chosen", "rejected")}
    again = extract_prompt(whole)
    assert all(again[name] == kept[name] for name in ("prompt", "chosen", "rejected")), (kept, again)
    found.append([len(kept["prompt"]), kept["chosen"][-1]["role"], kept["rejected"][-1]["role"]])
print(json.dumps(found))
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger."""
    return Ledger(tmp_path / "ledger", "journal-1", rows=Rows(b"secret"))


def keep(ledger: Ledger, *facts: Fact) -> None:
    """Commit facts."""
    ledger.commit([(ledger.committed + 100, JournalEntry(facts))])


def correction(call: CallClosed, text: str = "It scatters.", **fields: Any) -> Fact:
    """Somebody gave the right answer."""
    target = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
    return stories.feedback(kind="correction", value_json=json.dumps(text), **(target | fields))


def edited(text: str) -> CallClosed:
    """The call by which the app went on with another text than the answer."""
    asked = (ASKED, Message("assistant", text), Message("user", "And at dusk?"))
    return stories.closed(call=msgspec.structs.replace(stories.opened(), request=Request(messages=asked)))


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def document(out: Path) -> dict[str, Any]:
    """The manifest beside a file."""
    found: dict[str, Any] = json.loads(out.with_name(f"{out.name}.manifest.json").read_text(encoding="utf-8"))
    return found


def test_correction_becomes_a_pair(tmp_path: Path, ledger: Ledger) -> None:
    """The correction is preferred to what the model said, under the prompt that led to it."""
    call = stories.closed()
    keep(ledger, call, correction(call))

    report = build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl")

    assert lines(report.file) == [
        {"prompt": PROMPT, "chosen": [{"role": "assistant", "content": "It scatters."}], "rejected": BAD}
    ]
    assert (report.rows, report.from_corrections, report.from_edits) == (1, 1, 0)


def test_assistant_edit_becomes_a_pair(tmp_path: Path, ledger: Ledger) -> None:
    """The text that the app resent is preferred to the answer that it replaced."""
    call = stories.closed()
    after = edited("It scatters, in short.")
    signal = stories.signal(call.key, after.key, kind="assistant_edit")
    keep(ledger, call, after, signal)

    report = build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl")

    assert lines(report.file)[0]["chosen"] == [{"role": "assistant", "content": "It scatters, in short."}]
    assert lines(report.file)[0]["rejected"] == BAD
    assert document(report.file)["rows"][0]["signal_ids"] == [signal.signal_id]


def test_manifest_names_every_fact_and_hash(tmp_path: Path, ledger: Ledger) -> None:
    """From a row one finds its feedback and calls; from the file's hash that nothing changed."""
    call = stories.closed()
    keep(ledger, call, correction(call, feedback_id="fb-1"))

    report = build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl")

    found = document(report.file)
    assert found["rows"][0]["feedback_ids"] == ["fb-1"]
    assert found["rows"][0]["calls"] == [{"trace_id": call.key.trace_id, "span_id": call.key.span_id}]
    assert found["file"]["sha256"] == hashlib.sha256(report.file.read_bytes()).hexdigest()
    assert set(found["inputs"]["tables"]) == {"calls", "erasures", "feedback", "messages", "signals"}


def test_same_ledger_gives_the_same_bytes(tmp_path: Path, ledger: Ledger) -> None:
    """Two builds differ in nothing but the time in the manifest, also after a compaction."""
    for number in range(5):
        call = stories.closed(response_id=f"r-{number}")
        keep(ledger, call, correction(call, f"It scatters {number}."))
    first = build_dpo(tmp_path / "ledger", tmp_path / "a" / "dpo.jsonl")
    for table in ledger.tables():
        table.compact()

    second = build_dpo(tmp_path / "ledger", tmp_path / "b" / "dpo.jsonl")

    assert first.file.read_bytes() == second.file.read_bytes()
    assert document(first.file)["rows"] == document(second.file)["rows"]


def test_equal_rows_are_one_with_the_facts_of_both(tmp_path: Path, ledger: Ledger) -> None:
    """Two people who say the same make one row that names them both."""
    call = stories.closed()
    keep(ledger, call, correction(call, feedback_id="fb-1"), correction(call, feedback_id="fb-2", rater="bob"))

    report = build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl")

    assert report.rows == 1
    assert sorted(document(report.file)["rows"][0]["feedback_ids"]) == ["fb-1", "fb-2"]


def test_repeated_feedback_id_counts_once(tmp_path: Path, ledger: Ledger) -> None:
    """A repeat that was accepted without Redis changes nothing: the first row stands."""
    call = stories.closed()
    keep(ledger, call, correction(call, "first", feedback_id="fb-1"))
    keep(ledger, correction(call, "second", feedback_id="fb-1", given_ns=stories.NOON_NS + 9 * 10**9))

    report = build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl")

    assert [row["chosen"][0]["content"] for row in lines(report.file)] == ["first"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"target_trace_id": "a" * 32, "target_span_id": None}, "target_pending"),
        ({"tenant": "other"}, "foreign_tenant"),
        ({"target_trace_id": None, "target_span_id": None, "target_session_id": "5e55"}, "target_is_session"),
        ({"value_json": '{"content": 5}'}, "correction_not_understood"),
        ({"value_json": '""'}, "answer_empty"),
        ({"value_json": '"Rayleigh scattering."'}, "nothing_changed"),
    ],
)
def test_unfit_corrections_are_left_out_with_a_reason(
    tmp_path: Path, ledger: Ledger, fields: dict[str, Any], reason: str
) -> None:
    """What cannot be paired makes no row, and the manifest says which fact and why."""
    call = stories.closed()
    given = correction(call, feedback_id="fb-1")
    keep(ledger, call, msgspec.structs.replace(given, **fields))

    report = build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl")

    assert report.rows == 0
    assert document(report.file)["left_out"]["facts"] == [{"feedback_id": "fb-1", "reason": reason}]
    assert reason in report.sentence


def test_ambiguous_response_id_pairs_with_nothing(tmp_path: Path, ledger: Ledger) -> None:
    """A provider's id that two calls carry says nothing about either."""
    first, second = stories.closed(), stories.closed()
    given = stories.feedback(kind="correction", value_json='"It scatters."', target_response_id="chatcmpl-1")
    keep(ledger, first, second, given)

    report = build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl")

    assert report.left_out == {"target_ambiguous": 1}


def test_cut_answer_is_never_a_rejected_one(tmp_path: Path, ledger: Ledger) -> None:
    """An answer that the client did not wait for is no whole answer."""
    call = stories.closed(outcome="client_disconnected")
    keep(ledger, call, correction(call))

    assert build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl").left_out == {"answer_incomplete": 1}


def test_ledger_without_content_gives_no_rows(tmp_path: Path) -> None:
    """Where texts are not kept there is nothing to train on, and it is said."""
    ledger = Ledger(tmp_path / "ledger", "journal-1", rows=Rows(b"secret", content=False))
    call = stories.closed()
    keep(ledger, call, correction(call))

    assert build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl").left_out == {"content_not_kept": 1}


def test_no_ledger_is_a_setup_error(tmp_path: Path) -> None:
    """Before anything ran the message says what to do."""
    with pytest.raises(SetupError, match="backtalk serve"):
        build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl")


@pytest.mark.trl
@pytest.mark.timeout(300)
def test_trl_reads_what_was_built(tmp_path: Path, ledger: Ledger) -> None:
    """`datasets` loads the file, and TRL takes its rows for conversational preferences and finds their prompts."""
    if not TRL_PYTHON.exists():
        pytest.skip("there is no environment with TRL: run `make test-trl`")
    plain, after, tooled = stories.closed(), edited("It scatters, in short."), with_tools()
    keep(ledger, plain, after, tooled, correction(plain), correction(tooled, "It is 12 degrees."))
    keep(ledger, stories.signal(plain.key, after.key, kind="assistant_edit"))
    report = build_dpo(tmp_path / "ledger", tmp_path / "dpo.jsonl")

    arguments = [str(TRL_PYTHON), "-c", TRL_READS, str(report.file), str(tmp_path / "cache")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 0, done.stderr
    shapes = json.loads(done.stdout.splitlines()[-1])
    assert sorted(shapes) == [
        [1, "assistant", "assistant"],
        [1, "assistant", "assistant"],
        [3, "assistant", "assistant"],
    ]


def with_tools() -> CallClosed:
    """A call whose prompt holds a tool call and its result."""
    asked = (
        ASKED,
        Message("assistant", tool_calls=(ToolCall("c-1", "weather", '{"city": "Kyiv", "days": 2}'),)),
        Message("tool", "12 C", tool_call_id="c-1"),
    )
    tools = '[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]'
    request = Request(messages=asked, tools_json=tools)
    return stories.closed(call=msgspec.structs.replace(stories.opened(), request=request), response_id="r-tools")
