"""A detector's claim becomes a fact: with who showed it, when, by which detector, and calibrated."""

from backtalk.detect.calibration import Calibration
from backtalk.model.facts import CallOpened, SignalFound
from backtalk.model.session import SessionView
from backtalk.plugin.protocols import Detector, Signal
from backtalk.session.canonical import Hasher


class Claims:
    """Makes the facts of one worker's detectors."""

    def __init__(self, hasher: Hasher, calibration: Calibration) -> None:
        self._hasher = hasher
        self._calibration = calibration

    def found(
        self, detector: Detector, signal: Signal, view: SessionView, shown_by: CallOpened, found_ns: int
    ) -> SignalFound:
        """The fact; its id is the same however often the same is found."""
        said = self._calibration.applied(shown_by.tenant, detector.name, detector.version, signal)
        return SignalFound(
            signal_id=self._hasher.name("signal", detector.name, signal.kind, *signal.about, *shown_by.key),
            kind=signal.kind,
            about=signal.about,
            shown_by=shown_by.key,
            probability=said.probability,
            found_ns=found_ns,
            tenant=shown_by.tenant,
            session_id=view.session_id,
            detector=detector.name,
            detector_version=detector.version,
            evidence=said.evidence,
            polarity=signal.polarity,
            provenance=signal.provenance,
        )
