"""The mail that comes to the demo's desk, and the ticket line that the desk wants for each piece.

In: `mail.txt`. Out: `Mail`, in a fixed order, four pieces for each agent. The one rule: what is right stands in the
file, so that no judge is needed.
"""

import random
from importlib.resources import files
from typing import Final, NamedTuple

AGENTS: Final = 30
SYSTEM: Final = (
    "Answer with the ticket line of the mail and nothing else: its order number and the sender's family name."
)
_SEED: Final = 7


class Mail(NamedTuple):
    """One piece of mail."""

    agent: str
    """Who at the desk works on it."""
    text: str
    right: str
    """The ticket line as the desk's software reads it."""


def all_mail() -> list[Mail]:
    """Every piece, shuffled by a fixed seed."""
    lines = files("backtalk.demo").joinpath("mail.txt").read_text(encoding="utf-8").splitlines()
    pieces = [line.split("|", 2) for line in lines if line and not line.startswith("#")]
    random.Random(_SEED).shuffle(pieces)  # noqa: S311 -- an order, no secret
    return [
        Mail(f"agent-{number % AGENTS + 1:02d}", text, ticket_line(order, name))
        for number, (order, name, text) in enumerate(pieces)
    ]


def ticket_line(order: str, name: str) -> str:
    """The desk's own form, which no instruction tells."""
    return f"#{order} / {name}"
