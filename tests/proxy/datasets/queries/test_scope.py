"""What a dataset looks at."""

from backtalk.datasets.queries.scope import CHUNK_CALLS, MAX_ANSWERS, Scope


def test_a_scope_without_limits_names_every_call() -> None:
    """From the first instant that there is to the last."""
    assert Scope() == (0, (1 << 63) - 1, (), (), (), (), (), False)


def test_a_chunk_is_larger_than_a_prompt() -> None:
    """So that whole prompts make chunks of about one size."""
    assert MAX_ANSWERS * 4 < CHUNK_CALLS
