"""A single file written anew without some rows: the other lines stay as they were, byte by byte."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from backtalk.datasets.build import build_file
from backtalk.datasets.manifest import beside, manifest_sha256
from backtalk.datasets.recipe import parse_recipe
from backtalk.datasets.rewriting_file import rewrite_file
from backtalk.errors import SetupError
from backtalk.model.chat import Message, Request
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

CANARY: Final = "Kanarienvogel"
UNFIT: Final = "How deep is the sea?"
TEXTS: Final = ("Why is the sky blue?", UNFIT, f"What does {CANARY} eat?", "Where is Solaris?")
RECIPE: Final = 'builders = ["correction_pairs"]\nformats = ["bedrock_nova_preference"]\n'


@pytest.fixture
def single(tmp_path: Path) -> Path:
    """Four rows, of which the format can hold three."""
    facts: list[Any] = []
    for number, text in enumerate(TEXTS):
        said = Message(role="user", text=text)
        before = (Message(role="assistant", text="Hello."),) if text == UNFIT else ()
        call = stories.closed(call=stories.opened(request=Request(model="small", messages=(*before, said))))
        target = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
        value = json.dumps(f"{text} Thus.")
        facts += [call, stories.feedback(kind="correction", value_json=value, feedback_id=f"f-{number}", **target)]
    write_facts(tmp_path / "ledger", *facts)
    build_file(tmp_path / "ledger", parse_recipe("mine", RECIPE), tmp_path / "pairs.jsonl")
    return tmp_path / "pairs.jsonl"


def manifest(file: Path) -> dict[str, Any]:
    """The manifest beside a file."""
    found: dict[str, Any] = json.loads(beside(file).read_bytes())
    return found


def number_of(file: Path, feedback_id: str) -> int:
    """The row that a feedback made."""
    return next(int(row["row"]) for row in manifest(file)["rows"] if feedback_id in row["feedback_ids"])


def test_the_lines_of_other_rows_stay(single: Path) -> None:
    """Also where a row before them is no line, since its format could not hold it."""
    out = single.with_name("after.jsonl")
    rewrite_file(single, out, {number_of(single, "f-2")})
    before, after = single.read_text().splitlines(), out.read_text().splitlines()
    assert after == [line for line in before if CANARY not in line]
    assert (len(before), len(after)) == (3, 2)


def test_the_manifest_says_what_is_left(single: Path) -> None:
    """Rows are numbered anew; the facts of what went are left out as erased; it names the one before."""
    out, old = single.with_name("after.jsonl"), manifest(single)
    rewrite_file(single, out, {number_of(single, "f-2")})
    new = manifest(out)
    assert (new["row_count"], new["erased_rows"]) == (3, 1)
    assert [row["row"] for row in new["rows"]] == [0, 1, 2]
    assert {row["sha256"] for row in new["rows"]} < {row["sha256"] for row in old["rows"]}
    assert new["left_out"]["facts"] == [{"feedback_id": "f-2", "reason": "erased"}]
    assert [one["row"] for one in new["unfit_rows"]] == [number_of(out, "f-1")]
    assert new["skipped"] == old["skipped"] == {"bedrock_nova_preference": {"turns_do_not_alternate": 1}}
    assert (new["balance"]["split"], new["balance"]["facts"]["feedback"]) == ({"all": 3}, 3)
    assert (new["files"][0]["name"], new["files"][0]["rows"]) == ("after.jsonl", 2)
    beside(single).rename(single.parent / "manifest.json")
    assert new["previous_manifest_sha256"] == manifest_sha256(single.parent)


def test_a_row_that_was_no_line_can_go(single: Path) -> None:
    """It is not spoken of any more."""
    out = single.with_name("after.jsonl")
    rewrite_file(single, out, {number_of(single, "f-1")})
    assert out.read_bytes() == single.read_bytes()
    assert "unfit_rows" not in manifest(out)
    assert manifest(out)["skipped"] == {}


def test_it_can_be_repeated_over_its_own_half(single: Path) -> None:
    """A kill left a draft, or a file without its manifest; the same comes out."""
    out = single.with_name("after.jsonl")
    rewrite_file(single, out, set())
    first = out.read_bytes(), beside(out).read_bytes()
    beside(out).unlink()
    out.with_name(f".{out.name}.tmp").write_text("half")
    rewrite_file(single, out, set())
    assert (out.read_bytes(), beside(out).read_bytes()) == first


def test_a_file_that_was_changed_is_not_guessed_at(single: Path) -> None:
    """Nobody knows which line is whose."""
    single.write_text(single.read_text() + "{}\n")
    with pytest.raises(SetupError, match="not as its manifest says"):
        rewrite_file(single, single.with_name("after.jsonl"), {0})
    assert not single.with_name("after.jsonl").exists()
