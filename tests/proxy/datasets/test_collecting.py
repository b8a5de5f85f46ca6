"""The first pass of a build."""

from contextlib import closing
from pathlib import Path

from backtalk.datasets.collecting import collect
from backtalk.datasets.gates import Gatekeeper
from backtalk.datasets.recipe import load_recipe
from backtalk.datasets.scratch import Scratch
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts
from backtalk.testing.selections import selected


def test_every_fact_is_part_of_a_row_or_left_out_with_a_reason(tmp_path: Path) -> None:
    """A thumb up makes no pair, a regeneration does, and nothing is forgotten."""
    first, second = stories.closed(), stories.closed(answered="So.")
    comment = stories.feedback(kind="comment", value_json='"hm"', target_trace_id=first.key.trace_id)
    lost = stories.feedback(target_trace_id="a" * 32)
    root = write_facts(tmp_path / "ledger", first, second, comment, lost, stories.signal(first.key, second.key))
    recipe = load_recipe("dpo")
    told: list[tuple[str, int, int]] = []

    with closing(Scratch(tmp_path / "scratch")) as scratch, selected(root) as selection:
        gatekeeper = Gatekeeper(recipe.gates, [], scratch)
        collect(selection, recipe, gatekeeper, scratch, lambda what, done, total: told.append((what, done, total)))

        assert (scratch.row_count(), told) == (1, [("calls", 0, 2), ("calls", 2, 2)])
        assert {one.id: one.reason for one in scratch.left_out() if one.fact == "feedback"} == {
            comment.feedback_id: "unused",
            lost.feedback_id: "target_pending",
        }
