"""What asks a pipeline for a look from outside."""

from pathlib import Path

import pytest

from backtalk.errors import RequestError, StoreError
from backtalk.pipeline import triggers
from backtalk.pipeline.folders import Home, home
from backtalk.pipeline.running import make_known
from backtalk.testing.pipelines import a_pipeline


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """A pipeline that is known."""
    make_known(tmp_path, a_pipeline())
    return home(tmp_path, "support")


def ask(tmp_path: Path, key: str | None = None, name: str = "support") -> triggers.Taken:
    """Ask for a look."""
    return triggers.ask(tmp_path, name, actor="ada", reason="new labels", idempotency_key=key)


def test_a_trigger_waits_until_it_is_answered(tmp_path: Path, place: Home) -> None:
    """The oldest first; the answer says what became of it."""
    first, second = ask(tmp_path).asked, ask(tmp_path).asked
    assert triggers.pending(place) == [first, second]
    triggers.answer(place, [first.id], "a run began", "r1")
    assert triggers.pending(place) == [second]
    assert [(one.id, one.run_id) for one in triggers.answers(place)] == [(first.id, "r1")]


def test_a_kill_between_answer_and_removal_lets_none_count_twice(tmp_path: Path, place: Home) -> None:
    """The answer is written first: with it the question is none any more, and the first answer stays."""
    asked = ask(tmp_path).asked
    kept = (place.triggers / f"{asked.id}.json").read_bytes()
    triggers.answer(place, [asked.id], "a run began", "r1")
    (place.triggers / f"{asked.id}.json").write_bytes(kept)
    assert triggers.pending(place) == []
    triggers.answer(place, [asked.id], "another", "r2")
    assert [one.run_id for one in triggers.answers(place)] == ["r1"]
    assert list(place.triggers.iterdir()) == []


def test_the_same_key_is_the_same_trigger(tmp_path: Path, place: Home) -> None:
    """While it waits, and when it was answered."""
    assert [ask(tmp_path, "k").duplicate, ask(tmp_path, "k").duplicate, ask(tmp_path, "other").duplicate] == [
        False, True, False,
    ]  # fmt: skip
    triggers.answer(place, [one.id for one in triggers.pending(place)], "no run")
    assert ask(tmp_path, "k").duplicate
    assert triggers.pending(place) == []


def test_only_so_many_wait(tmp_path: Path, place: Home) -> None:
    """The next is refused, and told who should take them."""
    for _ in range(triggers.MAX_PENDING):
        ask(tmp_path)
    with pytest.raises(RequestError, match="is `backtalk pipeline watch` running") as refusal:
        ask(tmp_path)
    assert (refusal.value.status, len(triggers.pending(place))) == (429, triggers.MAX_PENDING)


def test_only_so_many_answers_are_kept(place: Home) -> None:
    """The latest."""
    for number in range(triggers.KEPT_ANSWERS + 5):
        triggers.answer(place, [f"{number:016x}"], "no run")
    kept = triggers.answers(place)
    assert (len(kept), kept[-1].id) == (triggers.KEPT_ANSWERS, f"{triggers.KEPT_ANSWERS + 4:016x}")


@pytest.mark.parametrize("name", ["nobody", "../support", "Support"])
@pytest.mark.usefixtures("place")
def test_a_pipeline_that_nobody_runs_here_takes_none(tmp_path: Path, name: str) -> None:
    """Nothing is written for it, so nobody fills the disk with names."""
    with pytest.raises(RequestError) as refusal:
        ask(tmp_path, name=name)
    assert refusal.value.status == 404
    assert [path.name for path in (tmp_path / "pipelines").iterdir()] == ["support"]


@pytest.mark.parametrize("reason", ["", " ", "a\nb", "x" * 257])
@pytest.mark.usefixtures("place")
def test_words_are_printable_and_short(tmp_path: Path, reason: str) -> None:
    """They are shown to people."""
    with pytest.raises(RequestError, match="reason must be printable"):
        triggers.ask(tmp_path, "support", actor="ada", reason=reason)


def test_a_damaged_trigger_is_said(tmp_path: Path, place: Home) -> None:
    """It may have asked for a run: it is not passed over."""
    ask(tmp_path)
    next(place.triggers.iterdir()).write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        triggers.pending(place)
