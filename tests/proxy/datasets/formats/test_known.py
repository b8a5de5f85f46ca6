"""Every format holds what it says it holds."""

import json

import pytest

from backtalk.datasets.formats.known import FORMATS
from backtalk.testing.samples import a_sample


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_of_a_format_makes_a_line(name: str) -> None:
    """As JSON, and always the same."""
    for kind in FORMATS[name].kinds:
        sample = a_sample(kind)
        assert json.dumps(FORMATS[name].line(sample)) == json.dumps(FORMATS[name].line(sample))
    assert "{split}" in FORMATS[name].file
