"""Datasets from a real ledger: facts go in, an immutable folder or one file comes out."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from backtalk.datasets.build import build, build_file, hidden_name
from backtalk.datasets.manifest import beside, broken_files
from backtalk.datasets.recipe import Recipe, load_recipe, parse_recipe
from backtalk.errors import SetupError
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.model.chat import Message, Request
from backtalk.model.facts import CallClosed, Fact, JournalEntry
from backtalk.testing import stories
from backtalk.testing.samples import parquet_columns

ASKED = Message("user", "Why is the sky blue?")
PROMPT = [{"role": "user", "content": "Why is the sky blue?"}]
BAD = [{"role": "assistant", "content": "Rayleigh scattering."}]
DPO: Final = load_recipe("dpo")


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


def asked(text: str, **fields: Any) -> CallClosed:
    """A call with a question of its own."""
    return stories.closed(call=stories.opened(asked=text), **fields)


def edited(text: str) -> CallClosed:
    """The call by which the app went on with another text than the answer."""
    messages = (ASKED, Message("assistant", text), Message("user", "And at dusk?"))
    return stories.closed(call=msgspec.structs.replace(stories.opened(), request=Request(messages=messages)))


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def document(out: Path) -> dict[str, Any]:
    """The manifest of a folder, or beside a file."""
    file = out / "manifest.json" if out.is_dir() else beside(out)
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def recipe(text: str) -> Recipe:
    """A recipe of pairs out of corrections, with these lines more."""
    return parse_recipe("mine", f'builders = ["correction_pairs"]\nformats = ["trl_preference"]\n{text}')


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_correction_becomes_a_pair(tmp_path: Path, ledger: Ledger) -> None:
    """The correction is preferred to what the model said, under the prompt that led to it."""
    call = stories.closed()
    keep(ledger, call, correction(call))

    build_file(tmp_path / "ledger", DPO, tmp_path / "dpo.jsonl")

    assert lines(tmp_path / "dpo.jsonl") == [
        {"prompt": PROMPT, "chosen": [{"role": "assistant", "content": "It scatters."}], "rejected": BAD}
    ]


def test_assistant_edit_becomes_a_pair(tmp_path: Path, ledger: Ledger) -> None:
    """The text that the app resent is preferred to the answer that it replaced."""
    call = stories.closed()
    after = edited("It scatters, in short.")
    signal = stories.signal(call.key, after.key, kind="assistant_edit")
    keep(ledger, call, after, signal)

    build_file(tmp_path / "ledger", DPO, tmp_path / "dpo.jsonl")

    (row,) = lines(tmp_path / "dpo.jsonl")
    assert (row["chosen"][0]["content"], row["rejected"]) == ("It scatters, in short.", BAD)
    (told,) = document(tmp_path / "dpo.jsonl")["rows"]
    assert told["signal_ids"] == [signal.signal_id]
    assert [one["span_id"] for one in told["calls"]] == [call.key.span_id, after.key.span_id]


def test_regenerated_answer_loses_to_the_one_that_was_kept(tmp_path: Path, ledger: Ledger) -> None:
    """The second call is looked at although nobody said anything of it."""
    first, second = stories.closed(), stories.closed(answered="Short waves scatter most.")
    keep(ledger, first, second, stories.signal(first.key, second.key))

    build_file(tmp_path / "ledger", DPO, tmp_path / "dpo.jsonl")

    (row,) = lines(tmp_path / "dpo.jsonl")
    assert (row["chosen"][0]["content"], row["rejected"]) == ("Short waves scatter most.", BAD)


def test_folder_has_rows_formats_and_a_manifest_that_proves_them(tmp_path: Path, ledger: Ledger) -> None:
    """Parquet and each format, every file by its hash, every fact by row and in the Parquet columns."""
    call = stories.closed()
    keep(ledger, call, correction(call, feedback_id="fb-1"))

    built = build(tmp_path / "ledger", DPO, tmp_path / "set")

    told = document(tmp_path / "set")
    (row,) = told["rows"]
    assert row["feedback_ids"] == ["fb-1"]
    assert row["calls"] == [{"trace_id": call.key.trace_id, "span_id": call.key.span_id}]
    assert row["reasons"] == [{"id": "fb-1", "rule": "correction", "weight": 1.0}]
    assert {"calls", "feedback", "messages", "signals"} <= set(told["inputs"]["tables"])
    assert built.dataset_id == hashlib.sha256((tmp_path / "set" / "manifest.json").read_bytes()).hexdigest()
    assert broken_files(tmp_path / "set") == []
    table = parquet_columns(tmp_path / "set" / "rows" / "part-00000.parquet")
    assert (table["feedback_ids"], table["sha256"]) == ([["fb-1"]], [row["sha256"]])


def test_same_ledger_gives_the_same_bytes(tmp_path: Path, ledger: Ledger) -> None:
    """Two builds do not differ in a byte, manifest and Parquet files included; nor do files after a compaction."""
    for number in range(5):
        call = asked(f"Question number {number}: {'why ' * number}?")
        keep(ledger, call, correction(call, f"Answer {'so ' * number}{number}."))
    first = build(tmp_path / "ledger", DPO, tmp_path / "a" / "set")
    before = first.document["inputs"]["tables"]
    second = build(tmp_path / "ledger", DPO, tmp_path / "b" / "set")
    for table in ledger.tables():
        table.compact()
    third = build(tmp_path / "ledger", DPO, tmp_path / "c" / "set")

    assert contents(tmp_path / "a" / "set") == contents(tmp_path / "b" / "set")
    assert first.dataset_id == second.dataset_id
    assert third.document["files"] == first.document["files"]
    assert third.document["inputs"]["tables"] != before


def test_dataset_never_changes(tmp_path: Path, ledger: Ledger) -> None:
    """A folder that is there is refused, and a failed build leaves nothing behind."""
    keep(ledger, stories.closed())
    build(tmp_path / "ledger", DPO, tmp_path / "set")

    with pytest.raises(SetupError, match="never changes"):
        build(tmp_path / "ledger", DPO, tmp_path / "set")
    with pytest.raises(SetupError, match="backtalk serve"):
        build(tmp_path / "nowhere", DPO, tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger", "set"]


def test_what_another_process_builds_there_is_left_to_it(tmp_path: Path, ledger: Ledger) -> None:
    """In two containers two processes may have one number."""
    keep(ledger, stories.closed())
    other = tmp_path / hidden_name(tmp_path / "out")
    other.mkdir()
    (other / "half").touch()
    with pytest.raises(SetupError, match="File exists"):
        build(tmp_path / "ledger", DPO, tmp_path / "out")
    assert (other / "half").exists()


def test_manifests_make_a_chain(tmp_path: Path, ledger: Ledger) -> None:
    """Each names the hash of the one before, so a changed one is noticed by the next."""
    keep(ledger, stories.closed())
    first = build(tmp_path / "ledger", DPO, tmp_path / "one")

    second = build(tmp_path / "ledger", DPO, tmp_path / "two", previous=tmp_path / "one")

    assert second.document["previous_manifest_sha256"] == first.dataset_id


def test_equal_rows_are_one_with_the_facts_of_both(tmp_path: Path, ledger: Ledger) -> None:
    """Two people who say the same make one row that names them both."""
    call = stories.closed()
    keep(ledger, call, correction(call, feedback_id="fb-1"), correction(call, feedback_id="fb-2", rater="bob"))

    build_file(tmp_path / "ledger", DPO, tmp_path / "dpo.jsonl")

    (row,) = document(tmp_path / "dpo.jsonl")["rows"]
    assert sorted(row["feedback_ids"]) == ["fb-1", "fb-2"]


def test_repeated_feedback_id_counts_once(tmp_path: Path, ledger: Ledger) -> None:
    """A repeat that was accepted without Redis changes nothing: the first row stands."""
    call = stories.closed()
    keep(ledger, call, correction(call, "first", feedback_id="fb-1"))
    keep(ledger, correction(call, "second", feedback_id="fb-1", given_ns=stories.NOON_NS + 9 * 10**9))

    build_file(tmp_path / "ledger", DPO, tmp_path / "dpo.jsonl")

    assert [row["chosen"][0]["content"] for row in lines(tmp_path / "dpo.jsonl")] == ["first"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"target_trace_id": "a" * 32, "target_span_id": None}, "target_pending"),
        ({"tenant": "other"}, "foreign_tenant"),
        ({"target_trace_id": None, "target_span_id": None, "target_session_id": "5e55"}, "target_is_session"),
        ({"value_json": '{"content": 5}'}, "correction_not_understood"),
        ({"value_json": '""'}, "answer_empty"),
        ({"value_json": '"Rayleigh scattering."'}, "nothing_changed"),
        ({"target_span_id": "b" * 16}, "target_pending"),
    ],
)
def test_unfit_corrections_are_left_out_with_a_reason(
    tmp_path: Path, ledger: Ledger, fields: dict[str, Any], reason: str
) -> None:
    """What cannot be paired makes no row, and the manifest says which fact and why."""
    call = stories.closed()
    given = correction(call, feedback_id="fb-1")
    keep(ledger, call, msgspec.structs.replace(given, **fields))

    build_file(tmp_path / "ledger", DPO, tmp_path / "dpo.jsonl")

    told = document(tmp_path / "dpo.jsonl")
    assert told["rows"] == []
    assert told["left_out"]["facts"] == [{"feedback_id": "fb-1", "reason": reason}]


def test_ambiguous_response_id_pairs_with_nothing(tmp_path: Path, ledger: Ledger) -> None:
    """A provider's id that two calls carry says nothing about either."""
    given = stories.feedback(kind="correction", value_json='"It scatters."', target_response_id="chatcmpl-1")
    keep(ledger, stories.closed(), stories.closed(), given)

    assert build(tmp_path / "ledger", DPO, tmp_path / "set").left_out == {"target_ambiguous": 1}


def test_ledger_without_content_gives_no_rows(tmp_path: Path) -> None:
    """Where texts are not kept there is nothing to train on, and it is said."""
    ledger = Ledger(tmp_path / "ledger", "journal-1", rows=Rows(b"secret", content=False))
    call = stories.closed()
    keep(ledger, call, correction(call))

    assert build(tmp_path / "ledger", DPO, tmp_path / "set").left_out == {"content_not_kept": 1}


def test_split_keeps_sessions_and_users_together(tmp_path: Path, ledger: Ledger) -> None:
    """No session and no user stands in two splits, and both splits have rows."""
    user_of: dict[str, str] = {}
    for number in range(40):
        opened = stories.opened(asked=f"Question {number * 7919} about {number}?")
        request = msgspec.structs.replace(opened.request, user=f"u-{number % 10}")
        call = stories.closed(call=msgspec.structs.replace(opened, request=request), session_id=f"s-{number // 2}")
        user_of[call.key.span_id] = f"u-{number % 10}"
        keep(ledger, call, correction(call, f"Answer {number * 104729} of {number}."))

    build(tmp_path / "ledger", recipe("[split.shares]\ntrain = 0.5\ntest = 0.5"), tmp_path / "set")

    rows = document(tmp_path / "set")["rows"]
    of_user: dict[str, set[str]] = {}
    for row in rows:
        of_user.setdefault(user_of[row["calls"][0]["span_id"]], set()).add(row["split"])
    assert (len(rows), len(of_user)) == (40, 10)
    assert {row["split"] for row in rows} == {"train", "test"}
    assert all(len(splits) == 1 for splits in of_user.values())


@pytest.mark.parametrize(
    ("gates", "left_out"),
    [("max_per_user = 1", {"user_cap": 1}), ('consent = "training"', {"no_consent": 2}), ("", {})],
)
def test_gates_are_counted(tmp_path: Path, ledger: Ledger, gates: str, left_out: dict[str, int]) -> None:
    """What a gate held back is in the manifest with its reason."""
    for number in (1, 2):
        call = asked(f"Question {number * 104729}?")
        keep(ledger, call, correction(call, f"Answer {number * 7919}."))

    built = build(tmp_path / "ledger", recipe(f"[gates]\n{gates}"), tmp_path / "set")

    assert built.left_out == left_out


def test_consent_of_the_call_lets_a_row_be(tmp_path: Path, ledger: Ledger) -> None:
    """The tag stands in the metadata that the app sent with the call."""
    opened = stories.opened()
    request = msgspec.structs.replace(opened.request, params_json='{"metadata": {"consent": "eval, training"}}')
    call = stories.closed(call=msgspec.structs.replace(opened, request=request))
    keep(ledger, call, correction(call))

    built = build(tmp_path / "ledger", recipe('[gates]\nconsent = "training"'), tmp_path / "set")

    assert built.document["row_count"] == 1


def test_selection_is_kept_to(tmp_path: Path, ledger: Ledger) -> None:
    """Time and model decide which calls are looked at."""
    call = stories.closed()
    keep(ledger, call, correction(call))
    wanted = {
        'models = ["small"]': 1,
        'models = ["large"]': 0,
        "since = 2026-01-02T00:00:00Z": 0,
        "until = 2026-01-02": 1,
    }

    for number, (line, rows) in enumerate(wanted.items()):
        built = build(tmp_path / "ledger", recipe(f"[select]\n{line}"), tmp_path / f"set-{number}")
        assert built.document["row_count"] == rows, line


def test_what_is_asked_in_an_evaluation_is_not_taught(tmp_path: Path, ledger: Ledger) -> None:
    """The dataset of an evaluation keeps its questions out of a dataset for training."""
    question = "What are the three main reasons for which the sky over the sea looks so blue at noon in June?"
    call = asked(question)
    keep(ledger, call, correction(call))
    build(tmp_path / "ledger", load_recipe("eval"), tmp_path / "eval")

    built = build(tmp_path / "ledger", recipe(f'[gates]\ndecontaminate = ["{tmp_path}/eval"]'), tmp_path / "set")

    assert built.left_out == {"in_evaluation": 1}


def test_memory_and_order_hold_over_many_prompts(tmp_path: Path, ledger: Ledger) -> None:
    """More calls than are read at once: each makes its row, in the order of time."""
    many = 1201
    calls = [
        stories.closed(call=stories.opened(asked=f"Question {number * 7919}?", opened_ns=stories.NOON_NS + number))
        for number in range(many)
    ]
    keep(ledger, *calls, *(correction(call, f"{number * 104729}") for number, call in enumerate(calls)))
    told: list[tuple[str, int, int]] = []

    def hear(what: str, done: int, total: int) -> None:
        told.append((what, done, total))

    built = build(tmp_path / "ledger", recipe(""), tmp_path / "set", progress=hear)

    rows = document(tmp_path / "set")["rows"]
    assert [row["calls"][0]["span_id"] for row in rows] == [call.key.span_id for call in calls]
    read = [counts for what, *counts in told if what == "calls"]
    assert (built.document["row_count"], read[-1], len(read)) == (many, [many, many], 4)
    assert list(dict.fromkeys(what for what, *_ in told)) == [
        "selecting", "calls", "splitting", "writing rows", "writing the manifest", "hashing and syncing",
    ]  # fmt: skip
    assert [counts for what, *counts in told if what == "writing rows"][-1] == [many, many]


def test_files_are_for_everybody_who_may_read_the_folder(tmp_path: Path, ledger: Ledger) -> None:
    """The folder is hidden until it is whole, and nothing of the scratch stays in it."""
    keep(ledger, stories.closed())
    build(tmp_path / "ledger", DPO, tmp_path / "set")

    assert (tmp_path / "set").stat().st_mode & 0o777 == 0o755
    assert not [name for name in contents(tmp_path / "set") if "scratch" in name]
