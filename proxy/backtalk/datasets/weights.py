"""What each kind of evidence weighs, in log-odds: the stated priors, or a file that was fitted on one's own ledger.

In: nothing, or a TOML file. Out: weights by name. The one rule: a file says which hash it has, and names no weight that
there is not, so that a dataset can be traced to the numbers that chose its rows.
"""

import difflib
import hashlib
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from backtalk.errors import SetupError

PRIORS: Final[Mapping[str, float]] = {
    "rating.up": 1.4, "rating.down": -2.3, "score": 2.0, "outcome": 2.5, "label": 3.0, "correction": -1.4,
    "event.copied": 0.73, "event.inserted": 0.73, "event.accepted": 1.2, "event.shared": 0.7, "event.edited": -0.5,
    "event.stopped": -0.36, "event.undone": -0.8,
    "signal.regeneration": -0.66, "signal.reformulation": -0.7, "signal.assistant_edit": -0.7, "signal.stop": -0.36,
    "signal.correction": -1.2, "signal.acceptance": 0.68, "signal.clarification": -0.4, "signal.escalation": -1.2,
    "signal.refusal": -0.7, "signal.apology_loop": -0.5, "signal.empty_answer": -2.0, "signal.exhaustion": -1.0,
    "signal.invalid_tool_arguments": -1.5, "signal.tool_schema_violation": -1.5, "signal.tool_error_repeated": -0.7,
    "signal.tool_loop": -1.0, "signal.parameter_drift": -0.5, "signal.invalid_structured_output": -1.5,
    "polarity.negative": -0.5, "polarity.positive": 0.5,
}  # fmt: skip
"""Of the size that logistic fits of simulated traffic gave: what people say weighs more than what they do, and what was
found out later weighs most. Of a scale, the weight is what the best value says, and the worst says the opposite; of a
signal, what a certain one says. `polarity` is for signals of plugins."""


class Weights(NamedTuple):
    """A weight for every kind of evidence."""

    values: Mapping[str, float] = PRIORS
    sha256: str | None = None
    """The hash of the file that they were read from; None for the priors."""

    def document(self) -> dict[str, Any] | None:
        """What a manifest says of them; nothing of the priors, which the version of the rules names."""
        return None if self.sha256 is None else {"sha256": self.sha256, "values": dict(sorted(self.values.items()))}


def read_weights(path: Path) -> Weights:
    """The weights of a file, the priors where it names none; `SetupError` where it cannot be followed."""
    try:
        content = path.read_bytes()
        said: Any = tomllib.loads(content.decode()).get("weights")
    except (OSError, ValueError) as error:
        raise SetupError(f"the weights {path} cannot be read: {error}", code="bad_weights") from error
    if not isinstance(said, dict) or not said:
        raise SetupError(f"{path} has no table [weights]", code="bad_weights")
    given = {name: _number(path, name, value) for name, value in cast("dict[str, Any]", said).items()}
    return Weights({**PRIORS, **given}, hashlib.sha256(content).hexdigest())


def _number(path: Path, name: str, value: object) -> float:
    if name not in PRIORS:
        near = difflib.get_close_matches(name, list(PRIORS), n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        message = f"{path}: there is no weight {name!r}{hint}; known are {', '.join(PRIORS)}"
        raise SetupError(message, code="bad_weights")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > MOST:
        raise SetupError(f"{path}: {name} must be a number from -{MOST:g} to {MOST:g}", code="bad_weights")
    return float(value)


MOST: Final = 10.0
"""No fact says more than this: 1 in 22,000."""
