"""How far a build has come."""

from backtalk.datasets.progress import followed

Said = list[tuple[str, int, int]]


def told_of(things: range) -> tuple[Said, int]:
    """What was told, and how many came."""
    told: Said = []

    def hear(what: str, done: int, total: int) -> None:
        told.append((what, done, total))

    return told, len(list(followed(things, "writing", len(things), hear)))


def test_the_beginning_the_end_and_now_and_then_are_told() -> None:
    """Not every row."""
    told, came = told_of(range(1_200))
    assert came == 1_200
    assert told == [("writing", done, 1_200) for done in (0, 500, 1_000, 1_200)]


def test_nothing_to_do_is_done() -> None:
    """So a bar ends."""
    assert told_of(range(0)) == ([("writing", 0, 0), ("writing", 0, 0)], 0)
