"""What the tests of imports share."""

from collections.abc import Iterator

import pytest

from backtalk.testing.batch_door import ListeningDoor, batch_door


@pytest.fixture
def listening() -> Iterator[ListeningDoor]:
    """A running door that takes everything."""
    with batch_door() as door:
        yield door
