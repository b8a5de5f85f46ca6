"""Every API has somebody who reads it."""

from typing import get_args

from backtalk.model.chat import Api
from backtalk.observe.dialects import DIALECTS, PLAIN

_WITHOUT = frozenset({"models", "other", "realtime", "conversations", "files", "uploads", "batches", "fine_tuning"})


def test_every_api_is_read_or_known_not_to_be() -> None:
    """A new API is decided about."""
    undecided = set(get_args(Api)) - DIALECTS.keys() - _WITHOUT
    assert undecided == {"vector_stores", "evals", "containers"}


def test_each_dialect_takes_any_object() -> None:
    """An empty object has no messages, or lacks what the dialect says."""
    for dialect in (*DIALECTS.values(), PLAIN):
        assert dialect.messages({}) == () or (dialect.messages({}) is None and dialect.missing)
        assert dialect.answer(dialect.assemble(iter(()))).error_type is None
