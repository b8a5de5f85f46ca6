"""What judging a turn costs by the length of its texts, a hostile one among them.

In: nothing. Out: CPU milliseconds a turn. Texts are made of words at random, so that nothing is remembered.
"""

import time
from collections.abc import Iterator
from itertools import cycle
from random import Random
from typing import Final

from backtalk.testing.signals.measures import Figure
from backtalk.text.follow_up import follow_up

LENGTHS: Final = (60, 600, 6_000, 600_000)
"""Characters of each text."""
_TURNS: Final = 24
_ROUNDS: Final = 240
_WORDS: Final = (
    "the",
    "a",
    "of",
    "to",
    "in",
    "is",
    "you",
    "that",
    "it",
    "was",
    "for",
    "not",
    "what",
    "how",
    "can",
    "your",
)
_SEED: Final = 20


def costs() -> Iterator[Figure]:
    """The cost of a turn whose question, answer and text are so long, with three questions before it."""
    random = Random(_SEED)  # noqa: S311  # texts are no secret
    for chars in LENGTHS:
        turns = [tuple(_text(random, chars) for _ in range(6)) for _ in range(_TURNS)]
        start_s = time.process_time()
        for (asked, answer, text, *before), _ in zip(cycle(turns), range(_ROUNDS), strict=False):
            follow_up(asked, answer, text, before)
        ms = 1e3 * (time.process_time() - start_s) / _ROUNDS
        yield Figure(f"cost.cpu_ms_per_turn.chars_{chars}", ms, ms, ms, _ROUNDS)


def _text(random: Random, chars: int) -> str:
    made = ""
    while len(made) < chars:
        word = (
            random.choice(_WORDS) if random.random() < 0.5 else f"{random.randrange(10**6):x}{random.choice('aeiou')}"
        )
        made += word + random.choice("     .\n,:")
        if len(made) > 5_000:
            made *= 2
    return made[:chars]
