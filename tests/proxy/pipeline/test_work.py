"""What every step of a run gets."""

from pathlib import Path

from backtalk.model.meter import NoMeter
from backtalk.pipeline.measuring import measure
from backtalk.pipeline.work import StopError, Work
from backtalk.testing.pipelines import a_pipeline


def test_a_run_has_one_name_in_lineage(tmp_path: Path) -> None:
    """The pipeline's and its own; nothing is recorded yet."""
    run = tmp_path / "20260101t120000000z-abcdef"
    work = Work(tmp_path, a_pipeline(), run, "ada", {}, NoMeter(), measure, {}, print)
    assert work.name == "support/20260101t120000000z-abcdef"
    assert work.catalogue.datasets == []


def test_a_stop_says_how_the_run_ended() -> None:
    """With what the step had found."""
    stop = StopError("not_valid", "too few rows", {"checks": []})
    assert (stop.outcome, stop.message, stop.outputs, str(stop)) == (
        "not_valid",
        "too few rows",
        {"checks": []},
        "too few rows",
    )
