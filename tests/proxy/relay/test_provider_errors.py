"""What a client is told of a provider's error."""

import pytest

from backtalk.relay.provider_errors import chain, is_unconnected, refusal_of, safe_message, secrets_of
from backtalk.relay.translated import Refusal


class ProviderError(Exception):
    """An exception as providers' clients have them."""

    def __init__(self, message: str | bytes, *, status_code: int = 0, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.headers = headers


def test_the_providers_own_status_is_found_behind_litellms() -> None:
    """An overload is told as a 500 that does not say when to come again; its cause does."""
    cause = ProviderError('{"error":{"message":"busy sk-1"}}', status_code=529, headers={"retry-after": "3"})
    told = ProviderError("litellm.InternalServerError: ...", status_code=500)
    told.__cause__ = cause
    assert refusal_of(told, secrets=("sk-1",)) == Refusal(529, "busy ***", "3")


def test_without_an_answer_there_is_no_refusal() -> None:
    """A status that litellm made up is nobody's word."""
    told = ProviderError("cannot connect", status_code=500)
    told.__context__ = ConnectionRefusedError()
    assert refusal_of(told, secrets=()) is None
    assert is_unconnected(told)
    assert not is_unconnected(ProviderError("x"))


def test_a_chain_of_exceptions_ends() -> None:
    """Even one that is its own cause."""
    error = ProviderError("x")
    error.__cause__ = error
    assert len(list(chain(error))) == 16


@pytest.mark.parametrize("message", [b'{"error":{"message":"no"}}', 'pre - {"error":{"message":"no"}}', "no"])
def test_a_message_is_the_providers_sentence(message: str | bytes) -> None:
    """JSON, text or bytes: what a person reads."""
    assert safe_message(ProviderError(message), secrets=()) == "no"


def test_what_a_target_keeps_to_itself_is_known_by_its_name() -> None:
    """Keys are options of litellm under many names."""
    own = {"api_key": "a", "aws_secret_access_key": "secret", "aws_session_token": "tok", "api_base": "b", "token": 1}
    assert secrets_of(own) == ("secret", "tok", "a")


@pytest.mark.parametrize(
    "key", ["sk-ant-api03-AbCdEf_123456", "AIzaSyA1234567890abcdef", "AKIAIOSFODNN7EXAMPLE", "gsk-0123456789abc"]
)
def test_what_looks_like_a_key_is_not_repeated(key: str) -> None:
    """The library may have taken one from the environment, which nobody here has seen."""
    assert safe_message(ProviderError(f"Incorrect API key: {key}."), secrets=()) == "Incorrect API key: ***"
    assert safe_message(ProviderError("a task-oriented, ask-me-anything word"), secrets=()).endswith("word")
