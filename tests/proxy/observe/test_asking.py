"""Who is asked: draws with known chances, the same everywhere, and never twice in a conversation."""

import json
from collections import Counter
from typing import Any

import pytest

from backtalk.model.exchange import RequestHead
from backtalk.model.frames import Ask, AskArm
from backtalk.observe.asking import MOST_TURNS, Asking, asking
from backtalk.settings.sampling import AskSettings

SECRET = b"s" * 32
HALF = AskSettings(enabled=True, inline_share=0.3, prominent_share=0.2)


def _head(path: str = "/v1/chat/completions", session: str = "") -> RequestHead:
    fields = [(b"x-session-id", session.encode())] if session else []
    return RequestHead("POST", path, path.encode(), b"", fields, dict(fields))


def _asking(settings: AskSettings = HALF, secret: bytes = SECRET) -> Asking:
    made = asking(settings, secret, "X-Session-Id")
    assert made is not None
    return made


def _history(*texts: str) -> list[dict[str, Any]]:
    """Turns of a user, each answered but the last."""
    turns = [
        turn
        for text in texts
        for turn in ({"role": "user", "content": text}, {"role": "assistant", "content": f"To {text}: yes."})
    ]
    return turns[:-1]


def _draw(
    messages: list[dict[str, Any]], *, tenant: str = "t", session: str = "s", who: Asking | None = None
) -> Ask | None:
    body = json.dumps({"model": "m", "messages": messages}).encode()
    return (who or _asking()).draw(tenant, _head(session=session), body)


def _text_drawing(arm: AskArm) -> str:
    return next(text for n in range(1000) if (drawn := _draw(_history(text := f"q{n}"))) and drawn.arm == arm)


def test_the_chances_are_those_of_the_settings_and_are_written_down() -> None:
    """Over many conversations each arm comes as often as it says, within five standard errors."""
    drawn = [_draw(_history("hello"), session=f"s{n}") for n in range(4000)]
    asks = [ask for ask in drawn if ask is not None]
    assert len(asks) == 4000
    assert {(ask.arm, ask.probability) for ask in asks} == {("none", 0.5), ("inline", 0.3), ("prominent", 0.2)}
    assert {ask.policy for ask in asks} == {"inline=0.3,prominent=0.2"}
    found = Counter(ask.arm for ask in asks)
    chances: dict[AskArm, float] = {"none": 0.5, "inline": 0.3, "prominent": 0.2}
    for arm, chance in chances.items():
        assert abs(found[arm] / 4000 - chance) < 5 * (chance * (1 - chance) / 4000) ** 0.5


def test_every_replica_draws_the_same_and_another_secret_does_not() -> None:
    """A regenerated answer and another process get the same arm; nobody without the secret can tell it."""
    places = [_history(f"q{n}") for n in range(60)]
    drawn = [_draw(place, who=_asking()) for place in places]
    assert drawn == [_draw(place, who=_asking()) for place in places]
    assert drawn != [_draw(place, who=_asking(secret=b"o" * 32)) for place in places]


@pytest.mark.parametrize("arm", ["inline", "prominent"])
def test_a_conversation_is_asked_once(arm: AskArm) -> None:
    """After a turn that asked nothing is drawn any more; after one that did not, each turn is drawn anew."""
    asked, quiet = _text_drawing(arm), _text_drawing("none")
    assert _draw(_history(asked, "and then?")) is None
    assert _draw(_history(asked, "and then?", "and now?")) is None
    later = [_draw(_history(quiet, f"more {n}")) for n in range(60)]
    assert {ask.arm for ask in later if ask is not None} == {"none", "inline", "prominent"}


def test_what_the_app_says_of_the_time_of_day_changes_nothing() -> None:
    """System messages and tools' results may differ from call to call; the place is the same."""
    for n in range(20):
        history = _history(f"q{n}")
        for clock in ("9:00", "9:01"):
            assert _draw([{"role": "system", "content": f"It is {clock}."}, *history]) == _draw(history)


@pytest.mark.parametrize(
    "last",
    [
        {"role": "tool", "tool_call_id": "1", "content": "12 degrees"},
        {"role": "assistant", "content": "prefilled"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "12"}]},
        {"type": "function_call_output", "call_id": "1", "output": "12"},
    ],
)
def test_nothing_is_asked_in_the_midst_of_a_task(last: dict[str, Any]) -> None:
    """Only a person's own turn is a moment to ask about its answer."""
    assert _draw([*_history("weather?"), last]) is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"input": "x"}),
        ("/v1/models", {}),
        ("/v1/responses", {"input": "x", "previous_response_id": "resp_1"}),
        ("/v1/responses", {"input": "x", "conversation": "conv_1"}),
        ("/v1/chat/completions", {"messages": []}),
        ("/v1/chat/completions", {"messages": "hello"}),
        ("/v1/chat/completions", {"messages": [{"role": 1}]}),
        ("/v1/chat/completions", []),
        ("/v1/chat/completions", {"messages": _history(*map(str, range(MOST_TURNS + 1)))}),
    ],
)
def test_where_the_history_is_not_known_nothing_is_drawn(path: str, body: object) -> None:
    """Neither what is no answer to a person, nor what cannot be read, nor what the provider holds."""
    assert _asking().draw("t", _head(path), json.dumps(body).encode()) is None


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"\x1f\x8b\x08", b"{", b"[" * 100_000, b'{"messages":[{"role":"\xff"}]}']
)
def test_no_body_makes_it_fail(body: bytes) -> None:
    """Bodies are anybody's."""
    assert _asking().draw("t", _head(), body) is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", {"system": "s", "messages": _history("x")}),
        ("/v1/responses", {"input": "x"}),
        ("/v1/responses", {"input": [{"role": "user", "content": "x"}]}),
        ("/v1/completions", {"prompt": "x"}),
        ("/api/chat", {"messages": _history("x")}),
        ("/api/generate", {"prompt": "x"}),
    ],
)
def test_every_dialect_is_drawn(path: str, body: object) -> None:
    """Whatever the words of the API are, a person's turn is found in it."""
    assert _asking().draw("t", _head(path), json.dumps(body).encode()) is not None


def test_equal_words_of_others_are_drawn_apart() -> None:
    """Sessions and tenants draw on their own, though they begin with the same words."""
    assert len({_draw(_history("hello"), session=f"s{n}") for n in range(40)}) == 3
    assert len({_draw(_history("hello"), tenant=f"t{n}") for n in range(40)}) == 3


def test_nobody_draws_where_nothing_asks() -> None:
    """Off costs nothing: there is nobody to ask."""
    assert asking(AskSettings(), SECRET, "x-session-id") is None
