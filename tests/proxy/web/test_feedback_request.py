"""Bodies within bounds, open or zipped."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import RequestError
from backtalk.web.feedback_request import unzipped


@given(st.binary(max_size=2000))
def test_what_was_zipped_is_what_comes_out(raw: bytes) -> None:
    """Whatever it is."""
    assert unzipped(gzip.compress(raw), 2000) == raw


def test_a_body_that_opens_larger_than_it_may_is_not_opened_further() -> None:
    """A kilobyte that would be a megabyte costs no more memory than the limit."""
    with pytest.raises(RequestError) as error:
        unzipped(gzip.compress(b" " * 1_000_000), 1000)
    assert error.value.status == 413


@given(st.binary(max_size=200))
def test_whatever_else_is_refused_with_a_sentence(raw: bytes) -> None:
    """No bytes crash it."""
    with pytest.raises(RequestError):
        unzipped(b"\x00" + raw, 1000)
