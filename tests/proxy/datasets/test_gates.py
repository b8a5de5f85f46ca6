"""The gates, one by one and in their order."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from backtalk.datasets.gates import Gatekeeper
from backtalk.datasets.prompts import Known
from backtalk.datasets.recipe import Gates
from backtalk.datasets.rows import decode_row
from backtalk.datasets.scratch import Scratch
from backtalk.plugin import Sample
from backtalk.plugin.discovery import load_redactors
from backtalk.testing.samples import a_sample, said

LONG = " ".join(f"word{number}" for number in range(200))


class Gate:
    """A gatekeeper with its scratch file, and calls of which all is known."""

    def __init__(self, folder: Path, **gates: Any) -> None:
        self.scratch = Scratch(folder / "scratch")
        self.keeper = Gatekeeper(Gates(**gates), load_redactors(["pii"], {}), self.scratch)

    def admit(self, sample: Sample, *, user: str = "u", consent: frozenset[str] = frozenset()) -> str | None:
        """Let a sample in."""
        known = {key: Known("s", user, "m", "en", consent) for key in sample.calls}
        return self.keeper.admit(sample, "p", known)

    def rows(self) -> list[Sample]:
        """What was let in."""
        return [decode_row(payload).sample for _, payload in self.scratch.payloads()]


def test_near_rows_are_one_and_far_ones_are_two(tmp_path: Path) -> None:
    """One changed word of two hundred is nothing new to learn."""
    gate = Gate(tmp_path)

    reasons = [gate.admit(a_sample(completion=said(text))) for text in (LONG, LONG.replace("word7 ", "x "), "Else.")]

    assert reasons == [None, "near_duplicate", None]


def test_equal_rows_are_merged_also_where_near_ones_are_kept(tmp_path: Path) -> None:
    """After redaction, so that two addresses are one row."""
    gate = Gate(tmp_path, near_duplicates=0)
    first = a_sample(completion=said("Mail a@b.org."))
    second = msgspec.structs.replace(a_sample(completion=said("Mail c@d.org.")), calls=first.calls)

    assert [gate.admit(first), gate.admit(second)] == [None, None]
    assert [one.completion for one in gate.rows()] == [said("Mail [email].")]


@pytest.mark.parametrize(("tag", "reason"), [("training", None), ("eval", "no_consent")])
def test_consent_comes_first(tmp_path: Path, tag: str, reason: str | None) -> None:
    """Without it nothing is even compared."""
    assert Gate(tmp_path, consent="training").admit(a_sample(), consent=frozenset({tag})) == reason


def test_a_user_has_so_many_rows(tmp_path: Path) -> None:
    """What was left out before uses nobody's share; another user has one of their own."""
    gate = Gate(tmp_path, max_per_user=1)

    first = gate.admit(a_sample(completion=said(LONG)))
    near = gate.admit(a_sample(completion=said(LONG.replace("word7 ", "x "))), user="v")
    over, other = gate.admit(a_sample()), gate.admit(a_sample(completion=said("Else, entirely.")), user="v")

    assert (first, near, over, other) == (None, "near_duplicate", "user_cap", None)
