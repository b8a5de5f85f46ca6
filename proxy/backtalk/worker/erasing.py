"""The eraser with all the places that it is to reach: the one list of where a worker has texts.

In: the worker's parts. Out: an `Eraser`. The one rule: what keeps a text beyond a moment is in this list.
"""

from collections.abc import Callable, Sequence
from functools import partial

from backtalk import installation
from backtalk.feedback.admission import pseudonym
from backtalk.lineage import builds
from backtalk.session.erasing import SessionErasing
from backtalk.settings import Settings
from backtalk.spool import Journal
from backtalk.telemetry import Metrics
from backtalk.worker.core import Core, Follower
from backtalk.worker.dataset_erasing import DatasetErasing
from backtalk.worker.eraser import Eraser
from backtalk.worker.erasure_places import Places
from backtalk.worker.tombstones import Tombstones


def eraser_of(
    settings: Settings,
    tombstones: Tombstones,
    core: Core,
    journal: Journal,
    followers: Sequence[Follower],
    metrics: Metrics,
    redis_url: str,
    forget: Callable[[], None],
) -> Eraser:
    """An eraser for one worker."""
    data_dir = settings.data_dir
    places = Places(
        core,
        journal.rewrite,
        next(follower.tables for follower in followers if follower.tables is not None),
        SessionErasing(redis_url),
        [follower.rereading for follower in followers if follower.rereading is not None],
        partial(builds.running, data_dir),
        DatasetErasing(data_dir).erase,
    )

    def named(name: str, tenant: str) -> str:
        return pseudonym(installation.secret(data_dir), tenant, name)

    return Eraser(data_dir, tombstones, places, metrics, pseudonym=named, forget=forget)
