"""Asking whether a Redis is there."""

from pathlib import Path

from backtalk.session.ping import ping


def test_server_that_answers_has_no_trouble(redis_url: str) -> None:
    """A running server is told by None."""
    assert ping(redis_url, timeout_s=1) is None


def test_server_that_is_not_there_is_told_why(tmp_path: Path) -> None:
    """No server at the address is a sentence, not an exception."""
    assert "No such file" in (ping(f"unix://{tmp_path / 'none.sock'}", timeout_s=1) or "")


def test_url_that_is_none_is_told_why() -> None:
    """A wrong URL is a sentence too."""
    assert "must be like redis://" in (ping("not a url", timeout_s=1) or "")
