"""Cases as they are read from a real dataset."""

import json
import shutil
from pathlib import Path

import pytest

from backtalk.errors import RequestError
from backtalk.evaluation.cases import locate, read_cases
from backtalk.lineage import keeping
from backtalk.model.chat import Message
from backtalk.model.chat_body import NotChatError
from backtalk.testing.exams import CAPITALS, build_exam
from backtalk.testing.samples import a_sample

TOOLS = json.dumps([{"type": "function", "name": "look_up", "parameters": {"type": "object"}}])


def test_cases_are_those_of_the_dataset_in_its_order(tmp_path: Path) -> None:
    """Each with its question, its right answer, and the hash that names it in the manifest."""
    folder = build_exam(tmp_path, tools_json=TOOLS)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    found = read_cases(folder)
    assert [case.sha256 for case in found.cases] == [row["sha256"] for row in manifest["rows"]]
    assert {case.prompt[-1].text: case.reference.text for case in found.cases if case.reference} == CAPITALS
    assert all(case.trace_ids and case.tag == "failed" for case in found.cases)
    body = found.cases[0].body
    assert [one["role"] for one in body["messages"]] == ["user"]
    assert body["tools"] == [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]
    assert read_cases(folder, 2).cases == found.cases[:2]


def test_a_dataset_is_found_by_name_id_and_folder(tmp_path: Path) -> None:
    """An unknown one is refused with those there are."""
    folder = build_exam(tmp_path)
    found = read_cases(folder)
    assert locate(tmp_path, "exam") == locate(tmp_path, found.dataset_id[:8]) == folder
    assert locate(tmp_path, str(folder)) == folder
    with pytest.raises(RequestError, match="there are: exam"):
        locate(tmp_path, "exams")


def test_a_dataset_of_a_single_file_is_refused_in_its_words(tmp_path: Path) -> None:
    """It has no Parquet to read the cases from."""
    folder = build_exam(tmp_path)
    single = tmp_path / "exam.jsonl.manifest.json"
    shutil.copy(folder / "manifest.json", single)
    keeping.register_dataset(tmp_path, single, name="single", actor="me")
    with pytest.raises(RequestError, match="single is a single file"):
        locate(tmp_path, "single")


def test_rows_that_were_changed_are_not_asked(tmp_path: Path) -> None:
    """What is asked is what the manifest names."""
    folder = build_exam(tmp_path)
    (part,) = (folder / "rows").iterdir()
    content = part.read_bytes()
    part.chmod(0o600)
    part.write_bytes(content[:-20] + bytes(20))
    with pytest.raises(RequestError, match="is not what its manifest says"):
        read_cases(folder)
    part.unlink()
    with pytest.raises(RequestError, match="cannot be read"):
        read_cases(folder)


def test_a_folder_without_cases_says_what_it_lacks(tmp_path: Path) -> None:
    """No dataset, or one that trains."""
    with pytest.raises(RequestError, match="there is no dataset in"):
        read_cases(tmp_path)
    folder = build_exam(tmp_path)
    manifest = folder / "manifest.json"
    manifest.chmod(0o600)
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"eval_case"', '"preference"', 1), "utf-8")
    with pytest.raises(RequestError, match="holds preference rows; an evaluation needs eval_case rows"):
        read_cases(folder)


def test_an_empty_prompt_cannot_be_asked(tmp_path: Path) -> None:
    """There is no question in it."""
    case = read_cases(build_exam(tmp_path), 1).cases[0]
    sample = a_sample("eval_case", prompt=(Message("critic", "x"),))
    with pytest.raises(NotChatError, match="prompt_empty"):
        _ = type(case)(0, "a", (), None, "", None, ()).body
    with pytest.raises(NotChatError, match="role_unknown"):
        _ = type(case)(0, "a", sample.prompt, None, "", None, ()).body
