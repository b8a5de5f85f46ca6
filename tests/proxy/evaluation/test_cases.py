"""Cases as they are read from a real dataset."""

import json
import os
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import arro3.io
import pytest

from backtalk.errors import RequestError
from backtalk.evaluation.cases import locate, read_cases
from backtalk.ledger.schema import arrow_table
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
    with pytest.raises(RequestError, match="is no file in the dataset's folder"):
        read_cases(folder)


def rewritten(folder: Path, part: Path, content: bytes, name: str | None = None) -> Path:
    """Somebody else's dataset: its manifest says what its rows' file is, whatever that is."""
    manifest = folder / "manifest.json"
    before, after = sha256(part.read_bytes()).hexdigest(), sha256(content).hexdigest()
    said = manifest.read_text(encoding="utf-8").replace(before, after)
    manifest.chmod(0o600)
    manifest.write_text(said.replace(f"rows/{part.name}", name or f"rows/{part.name}"), encoding="utf-8")
    part.chmod(0o600)
    part.write_bytes(content)
    return folder


def parquet(path: Path, cells: Mapping[str, Any]) -> bytes:
    """A file of one row."""
    named = {"int": "int", "list": "texts"}
    kinds = {name: named.get(value.__class__.__name__, "text") for name, value in cells.items()}
    arro3.io.write_parquet(arrow_table(kinds, [cells]), path)
    return path.read_bytes()


GOOD: Final[Mapping[str, Any]] = {
    "row": 0,
    "sha256": "ab",
    "prompt": '[{"role": "user", "text": "hi"}]',
    "reference": '{"role": "assistant", "text": "Hello."}',
    "tag": "failed",
    "tools": "[]",
    "trace_ids": ["t-1"],
}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"prompt": "[{"}, "row 0 has no messages in its prompt or its reference: .*truncated"),
        ({"prompt": "[" * 100_000}, "row 0 has no messages"),
        ({"prompt": '[{"role": 7}]'}, r"Expected `str`, got `int` - at `\$\[0\]\.role`"),
        ({"reference": "[]"}, "row 0 has no messages in its prompt or its reference: Expected `object`"),
        ({"prompt": 7}, r"Expected `str`, got `int` - at `\$\.prompt`"),
        ({"row": "first"}, r"Expected `int`, got `str` - at `\$\.row`"),
        ({"trace_ids": "t-1"}, r"Expected `array`, got `str` - at `\$\.trace_ids`"),
        ({"prompt": None, "tools": None}, "it has no column prompt and no tools"),
    ],
)
def test_rows_that_are_no_cases_are_refused(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    """A dataset comes from anybody; the sentence says which file, and what is wrong in it."""
    folder = build_exam(tmp_path)
    (part,) = (folder / "rows").iterdir()
    cells = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    rewritten(folder, part, parquet(tmp_path / "made", cells))
    with pytest.raises(RequestError, match=f"{part.name} holds no cases as a build writes them: .*{why}") as raised:
        read_cases(folder)
    assert raised.value.code == "bad_cases"


def test_rows_in_the_form_of_a_build_are_cases_whoever_wrote_them(tmp_path: Path) -> None:
    """What the others are refused for is not the form in which this test writes them."""
    folder = build_exam(tmp_path)
    (part,) = (folder / "rows").iterdir()
    (case,) = read_cases(rewritten(folder, part, parquet(tmp_path / "made", GOOD))).cases
    assert (case.prompt, case.reference) == ((Message("user", "hi"),), Message("assistant", "Hello."))


@pytest.mark.parametrize("content", [b"", b"no Parquet at all", b"PAR1" + bytes(40) + b"PAR1", None])
def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Whatever its reader makes of it, a panic of its too; None: a file whose pages were overwritten."""
    folder = build_exam(tmp_path)
    (part,) = (folder / "rows").iterdir()
    whole = part.read_bytes()
    rewritten(folder, part, whole[:4] + b"\xff" * 400 + whole[404:] if content is None else content)
    with pytest.raises(RequestError, match=f"{part.name} holds no cases as a build writes them") as raised:
        read_cases(folder)
    assert raised.value.code == "bad_cases"


@pytest.mark.parametrize("name", ["rows/../../made", "rows/../rows", "rows/pipe", "rows/\\u0000"])
def test_nothing_but_files_of_the_folder_is_read(tmp_path: Path, name: str) -> None:
    """Not a file elsewhere, and nothing that has no end."""
    folder = build_exam(tmp_path)
    (part,) = (folder / "rows").iterdir()
    (folder / "rows").chmod(0o700)
    os.mkfifo(folder / "rows" / "pipe")
    rewritten(folder, part, parquet(tmp_path / "made", GOOD), name)
    with pytest.raises(RequestError) as raised:
        read_cases(folder)
    assert raised.value.code == "dataset_changed"


def test_more_rows_than_the_manifest_says_are_too_many_all_the_same(tmp_path: Path) -> None:
    """All cases are in memory at once, so they are counted as they come."""
    folder = build_exam(tmp_path)
    manifest = folder / "manifest.json"
    manifest.chmod(0o600)
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"rows": 4', '"rows": 1'), encoding="utf-8")
    with pytest.raises(RequestError, match="more than 3 cases are too many"):
        read_cases(folder, most=3)
    assert len(read_cases(folder, 3, most=3).cases) == 3


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
