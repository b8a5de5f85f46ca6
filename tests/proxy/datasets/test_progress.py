"""How far a build has come."""

from backtalk.datasets.progress import followed


def test_the_beginning_the_end_and_now_and_then_are_told() -> None:
    """Not every row."""
    told: list[tuple[str, int, int]] = []
    found = list(followed(range(1_200), "writing", 1_200, lambda *said: told.append(said)))
    assert len(found) == 1_200
    assert told == [("writing", done, 1_200) for done in (0, 500, 1_000, 1_200)]


def test_nothing_to_do_is_done() -> None:
    """So a bar ends."""
    told: list[tuple[str, int, int]] = []
    assert list(followed([], "writing", 0, lambda *said: told.append(said))) == []
    assert told == [("writing", 0, 0), ("writing", 0, 0)]
