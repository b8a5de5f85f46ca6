"""The lists of the store."""

from backtalk.session.slots import CHILDREN_CAP, PRODUCER_CAP, RECENT_CAP, REQUEST_CAP, SAID_CAP, Lifetimes, slots
from backtalk.testing import factories
from backtalk.testing.sessions import arrival


def test_every_list_has_an_end_in_number_and_time() -> None:
    """Whatever arrives; first turns are remembered for the shorter time."""
    lifetimes = Lifetimes(answer_s=60, recent_s=5)
    found = slots(arrival(factories.opened("Why tides?")), lifetimes)
    assert {slot.cap for slot in found} <= {REQUEST_CAP, CHILDREN_CAP, RECENT_CAP, SAID_CAP, PRODUCER_CAP}
    assert {slot.ttl_s for slot in found if slot.field.startswith("recent")} <= {5}
    assert {slot.ttl_s for slot in found if not slot.field.startswith("recent")} == {60}
    assert len({(slot.field, slot.key) for slot in found}) == len(found)
