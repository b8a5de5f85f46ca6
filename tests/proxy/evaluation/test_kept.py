"""What an evaluation that was stopped still knows."""

from pathlib import Path

import msgspec
import pytest

from backtalk.errors import RequestError
from backtalk.evaluation.kept import kept
from backtalk.evaluation.scores import CaseScores

PLAN = {"model": "small"}
ONE = CaseScores("a" * 64, 0, 0, {"exact": 1.0, "judge": "unparsable", "tool_calls": None}, "4bf9", "00f0")
OTHER = CaseScores("b" * 64, 1, 0, {"exact": 0.0})


def test_what_was_scored_is_there_after_a_stop(tmp_path: Path) -> None:
    """An error is not kept: it is asked again."""
    with kept(tmp_path / "out", PLAN) as store:
        store.add(ONE)
        store.add(msgspec.structs.replace(OTHER, error="503"))
    with kept(tmp_path / "out", PLAN) as store:
        assert store.scored == {ONE.sha256: ONE}


@pytest.mark.parametrize("left", [b"{", b'{"sha256": "bb', b"\xff"])
def test_half_a_line_is_cut_off(tmp_path: Path, left: bytes) -> None:
    """What a kill left; the next line begins anew."""
    with kept(tmp_path, PLAN) as store:
        store.add(ONE)
    with (tmp_path / "cases.jsonl").open("ab") as file:
        file.write(left)
    with kept(tmp_path, PLAN) as store:
        store.add(OTHER)
    with kept(tmp_path, PLAN) as store:
        assert store.scored == {ONE.sha256: ONE, OTHER.sha256: OTHER}


def test_a_folder_holds_one_plans_scores(tmp_path: Path) -> None:
    """Another plan's are never taken for it."""
    with kept(tmp_path, PLAN):
        pass
    with pytest.raises(RequestError, match="holds another evaluation"), kept(tmp_path, {"model": "other"}):
        pass


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """Two would pay for every case twice."""
    with kept(tmp_path, PLAN), pytest.raises(RequestError, match="another evaluation is writing"), kept(tmp_path, PLAN):
        pass
