"""The commands that look back: what they print and write, and what they refuse."""

import json
from pathlib import Path

from click.testing import CliRunner

from backtalk import installation
from backtalk.cli import main
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.model.facts import CallClosed, JournalEntry
from backtalk.testing import stories
from backtalk.testing.dialogue import Dialogue, Stage
from backtalk_follow_up import FollowUpTurn


def lived(data_dir: Path) -> Stage:
    """A data directory with a dialogue in its ledger, a complaint in it, and a thumb down."""
    stage = Stage()
    chat = Dialogue(stage)
    about = chat.says("How do the tides work?", answer="The moon pushes the water of the sea away.")
    chat.says("No, that's wrong.")
    thumb = stories.feedback(
        target_trace_id=about.trace_id, tenant=next(f.opened.tenant for f in stage.facts if isinstance(f, CallClosed))
    )
    ledger = Ledger(data_dir / "ledger", "journal-1", rows=Rows(installation.secret(data_dir)))
    ledger.commit([(10, JournalEntry((*stage.facts, thumb)))])
    ledger.close()
    return stage


def run(*arguments: str) -> str:
    """What the command prints."""
    result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_report_sets_signals_against_ratings(tmp_path: Path) -> None:
    """One complaint, and the answer was rated down."""
    lived(tmp_path)
    said = run("signals", "report", "--data-dir", str(tmp_path))
    assert "1 answers were rated, 1 of them down" in said
    assert f"correction (follow_up {FollowUpTurn.version}, negative): 1 signals" in said
    assert "precision 1.00" in said
    assert "correction:that's wrong" in said


def test_a_replay_writes_the_same_file_twice_and_says_what_differs(tmp_path: Path) -> None:
    """The ledger is as it was."""
    lived(tmp_path)
    outs = [tmp_path / "first.jsonl", tmp_path / "second.jsonl"]
    said = [run("replay", "--out", str(out), "--detectors", "follow_up", "--data-dir", str(tmp_path)) for out in outs]
    assert outs[0].read_bytes() == outs[1].read_bytes()
    [line] = outs[0].read_text().splitlines()
    assert json.loads(line)["kind"] == "correction"
    assert said[0].splitlines()[-1].split() == ["follow_up", "correction", "1", "0", "0", "0"]


def test_a_replay_says_what_it_wrote_and_what_it_relinked(tmp_path: Path) -> None:
    """The ledger's signals have other ids than this installation gives: one is new, one withdrawn."""
    lived(tmp_path)
    arguments = (
        "replay",
        "--detectors",
        "follow_up",
        "--data-dir",
        str(tmp_path),
        "--out",
        str(tmp_path / "out.jsonl"),
    )
    assert "links: " in run(*arguments, "--relink")
    assert "replay 1: 2 rows were handed to the worker" in run(*arguments, "--write")
    refused = CliRunner().invoke(main, [*arguments, "--write"])
    assert refused.exit_code == 2
    assert "not in the ledger yet" in refused.output


def test_abandonment_is_a_share_beside_its_baseline(tmp_path: Path) -> None:
    """Too little was played to tell: that is said too, for people and for programs."""
    lived(tmp_path)
    said = run("signals", "abandonment", "--data-dir", str(tmp_path)).splitlines()
    assert [line.split()[0] for line in said] == ["all", "a-model"]
    assert "0.00 [0.00, 0.79] of 1, 1 undecided" in said[0]
    lines = run("signals", "abandonment", "--by", "instructions", "--json", "--data-dir", str(tmp_path)).splitlines()
    first = json.loads(lines[0])
    assert (first["by"], first["group"], first["ended"], first["share"]["cases"]) == ("instructions", "all", 0, 1)


def test_a_range_before_everything_is_empty(tmp_path: Path) -> None:
    """Nothing is written but an empty file."""
    lived(tmp_path)
    out = tmp_path / "none.jsonl"
    assert "0 calls, 0 signals" in run(
        "replay", "--out", str(out), "--until", "2001-01-01", "--data-dir", str(tmp_path)
    )
    assert out.read_bytes() == b""


def test_too_few_ratings_calibrate_nothing(tmp_path: Path) -> None:
    """And it is said how many are needed."""
    lived(tmp_path)
    assert "too few rated answers: 30" in run("signals", "calibrate", "--data-dir", str(tmp_path))
    assert not (tmp_path / "calibration.json").exists()


def test_without_a_ledger_the_message_says_what_to_do(tmp_path: Path) -> None:
    """It is the installation's to mend."""
    result = CliRunner().invoke(main, ["signals", "report", "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "backtalk serve" in result.output
