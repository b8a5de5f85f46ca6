"""The desk: agents ask a model for the ticket line of each piece of mail, and say what they think of the answer.

In: a running Backtalk, and the mail. Out: `Worked`, what was asked and said. The one rule: an agent knows what is right
and nothing of how the model is made; all that is learned of it goes through the doors that any app has.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from backtalk.demo.mail import SYSTEM, Mail

API_KEY: Final = "sk-desk"
_TOKENS: Final = 16
_REGENERATES_EVERY: Final = 4
_TIMEOUT_S: Final = 300.0


@dataclass(slots=True)
class Worked:
    """What happened at the desk."""

    asked: int = 0
    right: int = 0
    regenerated: int = 0
    thumbs_up: int = 0
    thumbs_down: int = 0
    corrections: int = 0


class Desk:
    """Agents with an app between them and the model."""

    def __init__(self, base_url: str, model: str) -> None:
        self._client = openai.OpenAI(base_url=base_url, api_key=API_KEY, max_retries=0, timeout=_TIMEOUT_S)
        self._model = model
        self.worked = Worked()

    def work(self, mail: Iterable[Mail], told: Callable[[Worked], None]) -> None:
        """Every piece, one after another; `told` hears of the state after each."""
        with contextlib.closing(self._client):
            for number, piece in enumerate(mail):
                self._file(piece, regenerates=number % _REGENERATES_EVERY == 0)
                told(self.worked)

    def _file(self, piece: Mail, *, regenerates: bool) -> None:
        answer, about = self._ask(piece, temperature=0)
        self.worked.right += answer == piece.right
        if answer != piece.right and regenerates:
            self.worked.regenerated += 1
            self._rate(piece, about, up=False)
            answer, about = self._ask(piece, temperature=1)
        self._rate(piece, about, up=answer == piece.right)
        if answer != piece.right:
            self.worked.corrections += 1
            self._say(piece, about, "correction", piece.right)

    def _rate(self, piece: Mail, about: str, *, up: bool) -> None:
        if up:
            self.worked.thumbs_up += 1
        else:
            self.worked.thumbs_down += 1
        self._say(piece, about, "rating", up)

    def _ask(self, piece: Mail, *, temperature: float) -> tuple[str, str]:
        """The answer, and the response's own id."""
        self.worked.asked += 1
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": piece.text},
        ]
        with self._client.chat.completions.create(
            model=self._model,
            messages=messages,
            user=piece.agent,
            temperature=temperature,
            seed=self.worked.asked,
            max_tokens=_TOKENS,
            stream=True,
        ) as stream:
            chunks = list(stream)
        return "".join(_pieces(chunks)).strip(), chunks[0].id

    def _say(self, piece: Mail, response_id: str, kind: str, value: object) -> None:
        body = {"response_id": response_id, "kind": kind, "value": value, "rater": piece.agent}
        self._client.post("/feedback", cast_to=object, body=body)


def _pieces(chunks: Iterable[ChatCompletionChunk]) -> Iterator[str]:
    for chunk in chunks:
        for choice in chunk.choices:
            yield choice.delta.content or ""
