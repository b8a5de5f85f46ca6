"""Parameters of the admin listener's questions."""

import pytest

from backtalk.errors import RequestError
from backtalk.web.parameters import whole


def test_a_whole_number_is_read() -> None:
    """And what was not given is None."""
    assert (whole("12", "limit"), whole("0", "limit"), whole(None, "limit")) == (12, 0, None)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e3", "٣", "9" * 20])
def test_anything_else_is_refused_by_name(text: str) -> None:
    """Digits of other scripts and numbers that no column holds among them."""
    with pytest.raises(RequestError, match="limit must be a whole number"):
        whole(text, "limit")
