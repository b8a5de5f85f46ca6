"""The kit that starts a real Backtalk."""

from pathlib import Path

import pytest

from backtalk.testing.load.processes import command
from backtalk.testing.serve import running_backtalk


def test_a_setting_that_is_wrong_fails_with_what_was_printed(tmp_path: Path) -> None:
    """The test that started it sees why."""
    with (
        pytest.raises(RuntimeError, match=r"ended with \d+:\n.*workers"),
        running_backtalk("http://127.0.0.1:9/v1", tmp_path / "data", workers=0),
    ):
        pass


def test_it_is_ready_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Every process of the tree is gone behind the block; settings arrive by their path."""
    with running_backtalk("http://127.0.0.1:9/v1", tmp_path / "data", feedback__body_limit_bytes=4096) as backtalk:
        kinds = {kind: backtalk.pids(kind) for kind in ("proxy", "worker", "admin", "redis")}
        assert {kind: len(pids) for kind, pids in kinds.items()} == dict.fromkeys(kinds, 1)
        assert backtalk.admin("/healthz") == (200, {"status": "ok"})
        assert backtalk.trace("a" * 32) is None
    assert [command(pid) for pids in kinds.values() for pid in pids] == ["", "", "", ""]
