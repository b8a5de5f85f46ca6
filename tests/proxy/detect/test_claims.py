"""Claims: the host says who, when and by which detector."""

from backtalk.detect.calibration import Calibration, curve_name
from backtalk.detect.claims import Claims
from backtalk.plugin.protocols import Signal
from backtalk.session.canonical import Hasher
from backtalk.testing import factories
from backtalk.text.platt import Platt
from backtalk_stop import Stop


def test_a_claim_is_calibrated_and_keeps_its_id() -> None:
    """What is claimed is the same, however likely."""
    call = factories.opened("Why?")
    signal = Signal("stop", call.key, 0.9)
    curves = {call.tenant: {curve_name("stop", "1.0", "stop"): Platt(1.0, -2.0)}}
    plain, calibrated = (
        Claims(Hasher(b"secret"), calibration).found(Stop(), signal, factories.view(), call, 7)
        for calibration in (Calibration(), Calibration(curves))
    )
    assert plain.signal_id == calibrated.signal_id
    assert (plain.probability, plain.detector_version, plain.found_ns) == (0.9, "1.0", 7)
    assert calibrated.probability < 0.6
