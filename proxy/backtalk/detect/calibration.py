"""A deployment's calibration: what its own feedback has taught of each detector's probabilities, by tenant.

In: a file that `backtalk signals calibrate` wrote. Out: calibrated probabilities. Its version stands in the evidence of
each signal it touched, beside what the detector had said, so that a replay can be made with any calibration or none.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from backtalk.errors import SetupError
from backtalk.plugin.protocols import Signal
from backtalk.text.platt import Platt

FILE: Final = "calibration.json"
"""Its name in the data directory."""
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class Calibration(msgspec.Struct, frozen=True):
    """Curves by tenant, then by `detector/version/kind`; what has none is left as the detector says."""

    curves: Mapping[str, Mapping[str, Platt]] = {}

    @property
    def version(self) -> str:
        """A digest of the curves."""
        return hashlib.blake2b(_encode(self.curves), digest_size=6).hexdigest()

    def applied(self, tenant: str, detector: str, detector_version: str, signal: Signal) -> Signal:
        """The signal with its calibrated probability, and with what the detector said in its evidence."""
        curve = self.curves.get(tenant, {}).get(curve_name(detector, detector_version, signal.kind))
        if curve is None:
            return signal
        evidence = {**signal.evidence, "uncalibrated": signal.probability, "calibration": self.version}
        return msgspec.structs.replace(signal, probability=round(curve(signal.probability), 4), evidence=evidence)


_decode: Final = msgspec.json.Decoder(Calibration).decode


def curve_name(detector: str, detector_version: str, kind: str) -> str:
    """The name of a curve: a new version of a detector has to earn its own."""
    return f"{detector}/{detector_version}/{kind}"


def read_calibration(data_dir: Path) -> Calibration:
    """The calibration of a data directory, an empty one where there is none; `SetupError` where it cannot be read."""
    try:
        return _decode((data_dir / FILE).read_bytes())
    except FileNotFoundError:
        return Calibration()
    except (OSError, msgspec.MsgspecError) as error:
        message = f"{data_dir / FILE} is no calibration ({error}): write it anew with `backtalk signals calibrate`"
        raise SetupError(message, code="bad_calibration") from error


def write_calibration(calibration: Calibration, data_dir: Path) -> Path:
    """Replace the calibration of a data directory as a whole."""
    path = data_dir / FILE
    aside = path.with_suffix(".tmp")
    aside.write_bytes(_encode(calibration))
    aside.replace(path)
    return path
