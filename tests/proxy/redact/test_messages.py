"""Every field that holds words of strangers is looked through, and what compares texts goes on comparing them."""

import json

import msgspec

from backtalk.model.chat import Citation, Media, Message, Request, Response, TokenLogprob, ToolCall
from backtalk.model.meter import NoMeter
from backtalk.redact.finding import Patterns
from backtalk.redact.messages import Messages
from backtalk.redact.patterns import BUILT_IN
from backtalk.redact.texts import Texts

CANARY = "canary@example.com"
TEXTS = Texts([Patterns(list(BUILT_IN.values()))], b"s" * 32, NoMeter())
REDACT = Messages(TEXTS, "acme")
PLACEHOLDER = TEXTS.text("acme", CANARY)


def full_message() -> Message:
    """A message with the canary in every field that may hold one."""
    return Message(
        "assistant",
        f"Ask {CANARY}.",
        tool_calls=(ToolCall("c1", "send", json.dumps({"to": CANARY})), ToolCall("c2", "send", f'{{"to": "{CANARY}')),
        refusal=CANARY,
        reasoning=CANARY,
        canonical=json.dumps({"content": [{"text": f"Ask {CANARY}."}]}),
        media=(Media("file", name=f"{CANARY}.pdf", ref=f"https://x.de/?{CANARY}"),),
        citations=(Citation("url", CANARY, CANARY, CANARY, start=4, end=9),),
    )


def test_nothing_is_left_in_a_request() -> None:
    """Messages, tools, parameters, names."""
    asked = Request(
        model="m",
        messages=(full_message(),),
        declared_session=CANARY,
        tools_json=json.dumps([{"description": CANARY}]),
        params_json=json.dumps({"metadata": {"mail": CANARY}}),
        not_understood=CANARY,
        prompt_name=CANARY,
    )
    found = REDACT.request(asked)
    assert CANARY not in str(msgspec.to_builtins(found))
    assert json.loads(found.messages[0].tool_calls[0].arguments) == {"to": PLACEHOLDER}
    assert found.model == "m"


def test_nothing_is_left_in_a_response() -> None:
    """Choices and errors; the tokens of a choice that changed spell the value, those of others stay."""
    tokens = (TokenLogprob("can", -0.1), TokenLogprob("ary@", -0.1))
    answered = Response(
        id="r",
        choices=(full_message(), Message("assistant", "Fine.")),
        logprobs=(tokens, (TokenLogprob("Fine.", -0.1),)),
        error_message=CANARY,
        not_understood=CANARY,
    )
    found = REDACT.response(answered)
    assert "canary" not in str(msgspec.to_builtins(found))
    assert found.logprobs == ((), answered.logprobs[1])
    assert (found.choices[0].citations[0].start, found.choices[1]) == (None, answered.choices[1])


def test_a_text_is_the_same_text_wherever_it_stands() -> None:
    """As an answer, in the history that is sent again, and inside a part of a message."""
    answer = REDACT.response(Response(choices=(full_message(),))).choices[0]
    assert REDACT.request(Request(messages=(full_message(),))).messages == (answer,)
    assert answer.text == f"Ask {PLACEHOLDER}."
    assert json.loads(answer.canonical or "")["content"][0]["text"] == answer.text


def test_where_nothing_is_found_nothing_changes() -> None:
    """To the byte."""
    asked = Request(messages=(Message("user", "Hi\n", canonical='{"b":"\\n","a":1}'),), params_json='{"top_p": 1}')
    assert REDACT.request(asked) == asked
