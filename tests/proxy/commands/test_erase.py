"""`backtalk erase`: orders from the command line."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.spool import erasures


def run(data_dir: Path, *words: str) -> Result:
    """The command on a data directory."""
    return CliRunner().invoke(main, ["erase", "--data-dir", str(data_dir), *words])


def test_an_order_is_written_down_and_listed(tmp_path: Path) -> None:
    """Without a running Backtalk too; the name is not shown."""
    assert run(tmp_path, "--user", "Alice", "--reason", "asked for", "--by", "me").exit_code == 0
    (order,) = erasures.load(tmp_path)
    assert (order.by, order.subject, order.actor, order.reason) == ("user", "Alice", "me", "asked for")
    listed = run(tmp_path, "--list")
    assert order.id in listed.output
    assert "Alice" not in listed.output
    (told,) = json.loads(run(tmp_path, "--list", "--json").output)
    assert told["status"] == "ordered"
    (shown,) = json.loads(run(tmp_path, "--show", order.id).output)
    assert shown["trace_ids"] == []


def test_what_is_left_to_the_operator_stands_in_the_list(tmp_path: Path) -> None:
    """Paths that were out of reach, and runs that have learned from the rows."""
    order = erasures.ask(tmp_path, b"s" * 32, by="user", subject="Alice", actor="me", reason="asked for")
    trained = (erasures.Trained("r1", "tune", "training", "/models/tune"), erasures.Trained("r2", "exam", "evaluation"))
    erasures.save(tmp_path, msgspec.structs.replace(order, not_reached=("/else/x.jsonl",), trained=trained))
    listed = run(tmp_path, "--list").output
    assert "not reached, yours to erase: /else/x.jsonl" in listed
    assert "training run tune (r1, /models/tune) has used the rows" in listed
    assert "evaluation run exam (r2) has used the rows" in listed
    (told,) = json.loads(run(tmp_path, "--show", order.id).output)
    assert [one["name"] for one in told["trained"]] == ["tune", "exam"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--reason", "r"), "exactly one of"),
        (("--user", "a", "--trace", "b" * 32, "--reason", "r"), "exactly one of"),
        (("--user", "a"), "--reason"),
        (("--trace", "b", "--reason", "r"), "32 lower-case hex"),
        (("--show", "nope"), "no erasure"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """And nothing is ordered."""
    result = run(tmp_path, *words)
    assert result.exit_code == 2
    assert said in result.output
    assert erasures.load(tmp_path) == []
