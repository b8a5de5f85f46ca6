"""The demo's play: a person talks to a model through Backtalk, with the official client, and is not always pleased.

In: a running Backtalk. Out: what was expected to be noticed and was not. Each scene does what a chat app does when its
user presses a button; nothing here tells Backtalk what to find.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import openai
from openai.types.chat import ChatCompletionMessageParam

from backtalk import clock
from backtalk.demo.stage import Stage
from backtalk.demo.upstream import Upstream
from backtalk.testing.json_values import as_object
from backtalk.testing.serve import Backtalk

NOTICE_S: Final = 15.0
API_KEY: Final = "sk-demo"
SYSTEM: Final = "You are a helpful assistant. Answer in one or two short sentences."
CAPITAL: Final = "What is the capital of Australia?"
ANIMAL: Final = "Which animal is shown on its coat of arms?"
ANIMALS: Final = "Which animals are shown on its coat of arms?"
WHY: Final = "Why were these two animals chosen?"
RIGHT: Final = "A red kangaroo and an emu hold the shield of Australia's coat of arms."
_PAUSE_S: Final = 0.05
_PIECES_BEFORE_STOP: Final = 12
_SCRIPT: Final[Mapping[str, str]] = {
    CAPITAL: "The capital of Australia is Sydney, a large city on the coast.",
    ANIMAL: "It shows a lion and a unicorn.",
    ANIMALS: "It shows a koala and an emu.",
    WHY: "Both are found in Australia alone, and neither walks backwards easily.",
}
_LONG: Final = "Once upon a time a wombat set out to see the sea. " * 8

Messages = list[ChatCompletionMessageParam]


class Answer(NamedTuple):
    """An answer as the app has it."""

    text: str
    trace_id: str
    response_id: str


class Story:
    """One performance."""

    def __init__(self, backtalk: Backtalk, upstream: Upstream, stage: Stage) -> None:
        self._backtalk = backtalk
        self._upstream = upstream
        self._stage = stage
        self._client = openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key=API_KEY, max_retries=0, timeout=60)
        self.missed: list[str] = []

    def play(self) -> Answer:
        """Play every scene; returns the answer that feedback was given on."""
        self._stage.scene("A conversation.", "Two questions, two answers.")
        chat: Messages = [{"role": "system", "content": SYSTEM}]
        self._ask(chat, CAPITAL, temperature=0)
        before = list(chat)
        second = self._ask(chat, ANIMAL)
        again = self._regenerate([*before, {"role": "user", "content": ANIMAL}], second)
        reworded, chat = self._reformulate(before, second, again)
        self._edit_answer(chat, reworded)
        self._stop()
        self._feedback(second)
        self._client.close()
        return second

    def _regenerate(self, asked: Messages, about: Answer) -> Answer:
        self._stage.scene("Regenerate.", "The person presses the button: the same history is sent again.")
        again = self._answer(asked, _SCRIPT[ANIMAL], temperature=1.0)
        self._expect("regeneration", about)
        return again

    def _reformulate(self, before: Messages, *about: Answer) -> tuple[Answer, Messages]:
        self._stage.scene("Edit and resubmit.", "The person rewrites the last question in place.")
        chat = list(before)
        answer = self._ask(chat, ANIMALS)
        self._expect("reformulation", *about)
        return answer, chat

    def _edit_answer(self, chat: Messages, about: Answer) -> None:
        self._stage.scene("Edit the answer.", "The person corrects the model's text in the app, then goes on.")
        edited = "It shows a red kangaroo and an emu, which hold a shield."
        self._stage.said(f"edits it to: {edited}")
        self._ask([*chat[:-1], {"role": "assistant", "content": edited}], WHY)
        self._expect("assistant_edit", about)

    def _stop(self) -> None:
        self._stage.scene("Stop.", "A long answer begins, and the person presses stop.")
        chat: Messages = [{"role": "system", "content": "You are a storyteller. Tell long stories."}]
        answer = self._ask(chat, "Tell me a long story about a wombat.", script=_LONG, stop_after=_PIECES_BEFORE_STOP)
        self._expect("stop", answer)

    def _feedback(self, about: Answer) -> None:
        self._stage.scene("Thumb down, and a correction.", "The app sends what it holds: the response's own id.")
        said = (
            {"kind": "rating", "value": False, "comment": "These animals are not on it."},
            {"kind": "correction", "value": RIGHT},
        )
        for words in said:
            body = {**words, "response_id": about.response_id, "rater": "demo"}
            reply = self._client.post("/feedback", cast_to=object, body=body)
            self._stage.said(f"POST /v1/feedback {words['kind']}: {words['value']} -> {_status(reply)}")
        self._expect_document("feedback on that answer", about, lambda call: len(call["feedback"]) >= len(said))

    def _ask(
        self, chat: Messages, text: str, *, temperature: float = 0.4, script: str = "", stop_after: int | None = None
    ) -> Answer:
        """Say the next thing in a chat; the answer becomes a part of it."""
        chat.append({"role": "user", "content": text})
        answer = self._answer(chat, script or _SCRIPT.get(text, ""), temperature=temperature, stop_after=stop_after)
        chat.append({"role": "assistant", "content": answer.text})
        return answer

    def _answer(self, chat: Messages, script: str, *, temperature: float, stop_after: int | None = None) -> Answer:
        if script:
            self._upstream.prompt(script)
        self._stage.user(str(chat[-1].get("content")))
        self._stage.assistant_begins()
        pieces: list[str] = []
        response_id = ""
        limit = 400 if stop_after else 40
        with self._client.chat.completions.create(
            model=self._upstream.model, messages=chat, stream=True, temperature=temperature, max_tokens=limit
        ) as stream:
            trace_id = stream.response.headers["x-trace-id"]
            for chunk in stream:
                response_id = chunk.id
                piece = (chunk.choices[0].delta.content or "") if chunk.choices else ""
                pieces.append(piece)
                self._stage.piece(piece)
                if len(pieces) == stop_after:
                    break
        self._stage.assistant_ends(trace_id, cut=stop_after is not None)
        return Answer("".join(pieces), trace_id, response_id)

    def _expect(self, kind: str, *about: Answer) -> None:
        """Wait until a signal of this kind is noticed about one of these answers."""
        start_ns = clock.monotonic_ns()
        while (seconds := (clock.monotonic_ns() - start_ns) / clock.NS_PER_S) < NOTICE_S:
            for answer in about:
                found = self._signal(kind, answer)
                if found is not None:
                    self._stage.noticed(found, seconds)
                    return
            self._pause()
        self._stage.missed(kind, NOTICE_S)
        self.missed.append(kind)

    def _signal(self, kind: str, answer: Answer) -> dict[str, Any] | None:
        document = self._backtalk.trace(answer.trace_id) or {"calls": []}
        signals = (signal for call in document["calls"] for signal in call["signals"])
        return next((signal for signal in signals if signal["kind"] == kind), None)

    def _expect_document(self, what: str, answer: Answer, holds: Callable[[dict[str, Any]], bool]) -> None:
        try:
            self._backtalk.wait_for_trace(
                answer.trace_id, lambda document: any(holds(call) for call in document["calls"]), NOTICE_S
            )
        except TimeoutError:
            self._stage.missed(what, NOTICE_S)
            self.missed.append(what)
        else:
            self._stage.done(f"{what} {answer.trace_id[:8]}..., joined by its response id")

    @staticmethod
    def _pause() -> None:
        time.sleep(_PAUSE_S)


def _status(reply: object) -> str:
    known = as_object(reply)
    return f"{known.get('status')}, target {known.get('target_status')}"
