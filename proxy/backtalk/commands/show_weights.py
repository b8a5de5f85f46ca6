"""What a fit of weights gave, as a table for a person.

In: a fit. Out: lines. The one rule: no weight is shown without its interval and its count.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backtalk.datasets.fitting import Fitting, Judgement


def fitted(fitting: "Fitting") -> str:
    """The table, and how held-out verdicts were foretold."""
    lines = [f"{fitting.cases} answers with a verdict in {fitting.sessions} sessions, {fitting.good} of them good"]
    lines.append(f"{'weight':34}{'prior':>8}{'fitted':>8}{'95% interval':>18}{'answers':>9}")
    for name, one in fitting.weights.items():
        interval = f"{one.low:.2f} to {one.high:.2f}"
        lines.append(f"{name:34}{one.prior:8.2f}{one.value:8.2f}{interval:>18}{one.cases:9}")
    lines += ["", f"{'on held-out sessions':34}{'log loss':>10}{'Brier':>8}{'calibration error':>19}"]
    lines += [_judged("the priors", fitting.before), _judged("fitted on the others", fitting.after)]
    return "\n".join(lines)


def _judged(name: str, one: "Judgement") -> str:
    return f"{name:34}{one.log_loss:10.4f}{one.brier:8.4f}{one.calibration_error:19.4f}"
