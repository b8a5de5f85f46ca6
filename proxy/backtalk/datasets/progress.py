"""How far a build has come, for whoever waits for it.

In: what is being done, and how much of how much is. Out: the same, told now and then. The one rule: telling costs
nothing that a build would notice.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

Progress = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much is."""
SELECTING: Final = "selecting"
"""What is being done while queries run, before any call is read."""
READING: Final = "calls"
SPLITTING: Final = "splitting"
WRITING: Final = "writing rows"
DESCRIBING: Final = "writing the manifest"
PLACING: Final = "hashing and syncing"
_EVERY: Final = 500
_Any = TypeVar("_Any")


def followed(things: Iterable[_Any], what: str, total: int, progress: Progress) -> Iterator[_Any]:
    """The things, each told of; the last one too."""
    progress(what, 0, total)
    done = 0
    for thing in things:
        yield thing
        done += 1
        if done % _EVERY == 0:
            progress(what, done, total)
    progress(what, done, total)


def untold(what: str, done: int, total: int) -> None:
    """Nobody waits."""
    del what, done, total
