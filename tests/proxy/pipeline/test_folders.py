"""Where a pipeline keeps what it does."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import RequestError
from backtalk.pipeline.folders import Home, home, homes, is_name, new_run_id


@given(st.text(max_size=80))
def test_a_name_never_leads_out_of_the_folder(name: str) -> None:
    """Whatever somebody puts into a URL."""
    if is_name(name):
        assert home(Path("data"), name).path.resolve().parent == Path("data/pipelines").resolve()
        return
    with pytest.raises(RequestError) as refusal:
        home(Path("data"), name)
    assert refusal.value.status == 404


@pytest.mark.parametrize(("name", "fits"), [("support", True), ("a-b_2", True), ("..", False), ("a/b", False)])
def test_names(name: str, fits: bool) -> None:
    """Lower-case letters, digits, - and _."""
    assert is_name(name) is fits


def test_runs_and_pipelines_are_listed_in_order(tmp_path: Path) -> None:
    """By time and by name; what is none of either is passed over."""
    later, earlier = new_run_id(1_767_268_800 * 10**9), new_run_id(1_767_268_700 * 10**9)
    for name in ("b", "a", "Not"):
        for run_id in (later, earlier, "x"):
            (tmp_path / "pipelines" / name / "runs" / run_id).mkdir(parents=True)
    assert [found.name for found in homes(tmp_path)] == ["a", "b"]
    assert home(tmp_path, "a").run_ids() == [earlier, later]
    assert later.startswith("20260101t120000000z-")


def test_nothing_is_there_before_the_first_run(tmp_path: Path) -> None:
    """And that is no error."""
    assert homes(tmp_path) == []
    assert Home(tmp_path / "none").run_ids() == []
