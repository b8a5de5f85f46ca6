"""Days, as the tables are partitioned: an instant in, its UTC day out."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from backtalk.clock import NS_PER_S

_DAY_NS: Final = 86_400 * NS_PER_S
_EPOCH: Final = date(1970, 1, 1)


def day(wall_ns: int) -> str:
    """The UTC day of an instant."""
    return _day(wall_ns // _DAY_NS)


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()
