"""Asking a model: what is sent, what comes back, and what is tried again."""

from collections.abc import Iterator
from typing import Any

import pytest

from backtalk.evaluation.asking import Asker, CallIds, NoAnswerError
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.provider import Provider, running_provider
from backtalk.testing.sockets import free_port

BODY: dict[str, Any] = {"model": "small", "messages": [{"role": "user", "content": "hi"}]}
SAID = b'{"choices": [{"message": {"role": "assistant", "content": "Canberra"}, "finish_reason": "stop"}]}'
BY_BACKTALK = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    + f"x-request-id: {'a' * 32}-{'b' * 16}\r\ncontent-length: {len(SAID)}\r\n\r\n".encode()
    + SAID
)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that answers as a test says."""
    with running_provider() as running:
        yield running


def asker(provider: Provider, **fields: Any) -> Asker:
    """Asks this provider."""
    return Asker(provider.url, fields.pop("key", None), timeout_s=5, attempts=fields.pop("attempts", 3))


def test_an_answer_comes_with_the_ids_of_its_call(provider: Provider) -> None:
    """Of a server that is no Backtalk there are none; the call says what it is for, and carries its key."""
    provider.script(Behaviour(raw_response=BY_BACKTALK))
    answered = asker(provider, key="sk-exam").ask(BODY)
    assert (answered.message.text, answered.ids) == ("Canberra", CallIds("a" * 32, "b" * 16))
    assert asker(provider).ask(BODY).ids == CallIds()
    first, second = provider.exchanges
    assert (first.header("x-backtalk-purpose"), first.header("authorization")) == ("evaluation", "Bearer sk-exam")
    assert second.header("authorization") is None


def test_tool_calls_are_answers(provider: Provider) -> None:
    """As they were made, valid JSON or not."""
    provider.script(Behaviour(tool_arguments="{broken"))
    tool: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": {}}}
    [call] = asker(provider).ask(BODY | {"tools": [tool]}).message.tool_calls
    assert (call.name, call.arguments) == ("f", "{broken")


def test_figures_that_are_none_are_left_out(provider: Provider) -> None:
    """The log of the run takes whole numbers alone; an answer is not lost by what stands beside it."""
    usage = b'"usage": {"prompt_tokens": true, "completion_tokens": 3}'
    provider.script(Behaviour(raw_body=SAID[:-1] + b", " + usage + b"}"))
    assert asker(provider).ask(BODY).usage == {"completion_tokens": 3}


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_tried_again(provider: Provider, status: int) -> None:
    """After the pause that the provider names."""
    provider.script(Behaviour(status=status, headers=(("retry-after", "0"),)), Behaviour(text="late"))
    assert asker(provider).ask(BODY).message.text == "late"


@pytest.mark.parametrize(
    ("behaviour", "why", "asked"),
    [
        (Behaviour(status=400), "400", 1),
        (Behaviour(status=401), "401", 1),
        (Behaviour(malformed=True), "no chat completion came", 1),
        (Behaviour(raw_body=b'{"choices": []}'), "no chat completion came", 1),
        (Behaviour(raw_body=b'{"choices": [{"message": {"tool_calls": [3]}}]}'), "no chat completion came", 1),
        (Behaviour(raw_body=SAID.replace(b"Canberra", b"\\ud800")), "no chat completion came", 1),
        (Behaviour(raw_body=b"[" * 100_000), "no chat completion came", 1),
        (Behaviour(status=503, headers=(("retry-after", "0"),)), "503", 2),
    ],
)
def test_an_error_is_no_answer(provider: Provider, behaviour: Behaviour, why: str, asked: int) -> None:
    """What cannot pass is asked once."""
    provider.default = behaviour
    with pytest.raises(NoAnswerError, match=why):
        asker(provider, attempts=2).ask(BODY)
    assert len(provider.exchanges) == asked


def test_where_nobody_listens_there_is_no_answer() -> None:
    """After as many attempts as are allowed; once stopped, none is tried again."""
    away = Asker(f"http://127.0.0.1:{free_port()}/v1", None, timeout_s=1, attempts=1)
    with pytest.raises(NoAnswerError, match="URLError") as failed:
        away.ask(BODY)
    assert failed.value.again
    stopped = Asker(f"http://127.0.0.1:{free_port()}/v1", None, timeout_s=1, attempts=1_000)
    stopped.stop()
    with pytest.raises(NoAnswerError):
        stopped.ask(BODY)


def test_a_redirect_never_sees_the_key(provider: Provider) -> None:
    """It is an error like any other status."""
    with running_provider() as elsewhere:
        provider.script(Behaviour(status=302, headers=(("location", elsewhere.url),)))
        with pytest.raises(NoAnswerError, match="302"):
            asker(provider, key="sk-exam").ask(BODY)
        assert not elsewhere.exchanges
