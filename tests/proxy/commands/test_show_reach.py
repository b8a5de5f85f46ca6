"""How runs and reasons look on a terminal: strangers' texts are shown and never obeyed."""

from typing import Any, Final

import pytest

from backtalk.commands import show_reach

EVIL: Final = "\x1b[2J"
CALL: Final[dict[str, Any]] = {
    "trace_id": "a", "span_id": "b", "known": True, "erased": True, "model": EVIL,
    "asked": [{"role": "user", "text": EVIL}, {"role": "user", "text": None}], "answers": [],
    "signals": [{"kind": "stop", "signal_id": EVIL}],
    "feedback": [{"kind": "rating", "value": EVIL, "comment": EVIL, "state": "counts", "feedback_id": "f"}],
}  # fmt: skip
USED: Final[dict[str, Any]] = {
    "proposals": [{"proposal_id": EVIL, "name": EVIL, "parts": {EVIL: EVIL}, "state": EVIL}],
    "runs": [{"purpose": "training", "name": EVIL, "run_id": "r", "artefact_uri": EVIL}],
    "refs": [EVIL],
}
GONE: Final[dict[str, Any]] = {"trace_id": "c", "span_id": "d", "known": False, "signals": [], "feedback": []}


def test_what_strangers_wrote_is_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """In the reasons of a row, and in what a fact has reached."""
    row, dataset = {"row": 0, "sha256": "0" * 64}, {"name": EVIL, "dataset_id": "d"}
    show_reach.why({"row": row, "dataset": dataset, "calls": [CALL, GONE], "of_no_call": [], "not_found": [], **USED})
    show_reach.reached({"id": EVIL, "datasets": [{**dataset, "retired": EVIL, "rows": [row]}], **USED})
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    for said in ("texts erased", "not in the ledger any more", "by nobody named, a client: counts"):
        assert said in printed
