"""The command line's questions: which key a text is, and one thing said at a time."""

import pytest

from backtalk.admin_client import AdminClient, feedback_body
from backtalk.errors import BacktalkError, RequestError, SetupError, StoreError
from backtalk.settings import load

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


def test_thumb_down_with_words_is_a_rating_with_a_comment() -> None:
    """--down --comment is one feedback."""
    body = feedback_body("chatcmpl-9", value="false", score=None, correction=None, comment="wrong year")

    assert body == {"response_id": "chatcmpl-9", "kind": "rating", "value": False, "comment": "wrong year"}


def test_words_alone_are_a_comment() -> None:
    """--comment alone is a feedback of its own kind."""
    body = feedback_body("chatcmpl-9", value=None, score=None, correction=None, comment="hm")

    assert body == {"response_id": "chatcmpl-9", "kind": "comment", "value": "hm"}


@pytest.mark.parametrize(("value", "score"), [("true", 1.0), (None, None)])
def test_not_exactly_one_thing_is_refused(value: str | None, score: float | None) -> None:
    """Two things at once, or nothing, is refused with what is allowed."""
    with pytest.raises(RequestError, match="exactly one"):
        feedback_body("chatcmpl-9", value=value, score=score, correction=None, comment=None)


def test_missing_token_says_what_to_do(tmp_path: object) -> None:
    """Without a running Backtalk there is no token, and the error says so."""
    with pytest.raises(SetupError, match="backtalk serve"):
        AdminClient.from_settings(load({}, overrides={"data_dir": tmp_path}))


def test_nobody_listening_says_what_to_do() -> None:
    """A refused connection is told apart from a refusal."""
    with pytest.raises(StoreError, match="is `backtalk serve` running"):
        AdminClient("http://127.0.0.1:9", "token").get("/v1/traces")
    assert issubclass(StoreError, BacktalkError)
