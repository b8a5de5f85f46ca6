"""The journal: entries survive, positions are never used twice."""

import resource
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtalk.errors import SetupError, StoreError
from backtalk.settings import JournalSettings
from backtalk.spool import segments
from backtalk.spool.journal import Journal
from backtalk.spool.tail import Tail
from backtalk.telemetry.meter import Metrics


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of a test."""
    return Metrics()
