"""What the command line asks of a running Backtalk, and what it says where nothing answers."""

import pytest

from backtalk.admin_client import AdminClient, retract_feedback, send_feedback
from backtalk.errors import BacktalkError, SetupError, StoreError
from backtalk.settings import load


def test_missing_token_says_what_to_do(tmp_path: object) -> None:
    """Without a running Backtalk there is no token, and the error says so."""
    with pytest.raises(SetupError, match="backtalk serve"):
        AdminClient.from_settings(load({}, overrides={"data_dir": tmp_path}))


def test_nobody_listening_says_what_to_do() -> None:
    """A refused connection is told apart from a refusal."""
    with pytest.raises(StoreError, match="is `backtalk serve` running"):
        AdminClient("http://127.0.0.1:9", "token").get("/v1/traces")
    with pytest.raises(StoreError, match=r"9/v1/feedback: is `backtalk serve` running"):
        send_feedback("http://127.0.0.1:9/", None, {})
    with pytest.raises(StoreError, match=r"9/v1/feedback/a%2Fb: is `backtalk serve` running"):
        retract_feedback("http://127.0.0.1:9", None, "a/b")
    assert issubclass(StoreError, BacktalkError)
