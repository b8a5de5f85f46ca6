"""Calibration: what a deployment's feedback taught, kept as a file with a version."""

from pathlib import Path

import pytest

from backtalk.detect.calibration import FILE, Calibration, curve_name, read_calibration, write_calibration
from backtalk.errors import SetupError
from backtalk.plugin.protocols import Signal
from backtalk.testing import factories
from backtalk.text.platt import Platt

CURVES = Calibration({"acme": {curve_name("stop", "1.0", "stop"): Platt(1.0, -2.0)}})


def test_a_curve_changes_its_own_tenants_detector_alone() -> None:
    """And keeps what the detector had said."""
    signal = Signal("stop", factories.call_key(1), 0.9)
    found = CURVES.applied("acme", "stop", "1.0", signal)
    assert found.probability == pytest.approx(0.5491, abs=1e-4)
    assert dict(found.evidence) == {"uncalibrated": 0.9, "calibration": CURVES.version}
    assert CURVES.applied("other", "stop", "1.0", signal) is signal
    assert CURVES.applied("acme", "stop", "2.0", signal) is signal


def test_the_version_is_that_of_the_curves(tmp_path: Path) -> None:
    """The same after it was written and read."""
    write_calibration(CURVES, tmp_path)
    assert read_calibration(tmp_path) == CURVES
    assert read_calibration(tmp_path).version == CURVES.version != Calibration().version


def test_none_is_an_empty_one_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    """At the start, in words."""
    assert read_calibration(tmp_path) == Calibration()
    (tmp_path / FILE).write_text("[]")
    with pytest.raises(SetupError, match="signals calibrate"):
        read_calibration(tmp_path)
