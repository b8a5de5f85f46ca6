"""The steps that decide: is the trained model better, and who is told.

In: the scores of both models. Out: a proposal in lineage, or the sentence why there is none. The one rule: a proposal
stands only where the gain's whole interval lies above what was asked for; a person promotes, never the pipeline.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from backtalk.lineage.keeping import propose as keep_proposal
from backtalk.lineage.records import ProposalMade
from backtalk.pipeline.measuring import Gain, gain
from backtalk.pipeline.model_steps import trained_of
from backtalk.pipeline.sections import Evaluate, Source
from backtalk.pipeline.telling import tell as send
from backtalk.pipeline.work import StopError, Work


class Decision(NamedTuple):
    """Whether it is better, and the sentence that says why."""

    better: bool
    sentence: str


def decide(asked: Evaluate, found: Gain) -> Decision:
    """Pure: look at the found."""
    told = (
        f"{found.scorer} gain {found.estimate:+.3f}, 95% interval {found.low:+.3f} to "
        f"{found.high:+.3f}, {found.n} cases"
    )
    if found.n < asked.min_cases:
        return Decision(False, f"no proposal: {told}; at least {asked.min_cases} are wanted")
    if not found.low > asked.min_gain:
        return Decision(False, f"no proposal: {told}; the interval does not lie above {asked.min_gain:g}")
    return Decision(True, f"{told}: above {asked.min_gain:g}")


def compare(work: Work) -> dict[str, Any]:
    """Compare both models; ends the run where the trained one is not better."""
    asked = work.pipeline.evaluate
    found = gain(asked.scorers[0], work.run / "current", work.run / "candidate")
    decision = decide(asked, found)
    work.say(decision.sentence)
    outputs = {**found._asdict(), "min_gain": asked.min_gain, "sentence": decision.sentence}
    if not decision.better:
        raise StopError("no_proposal", decision.sentence, outputs)
    return outputs


def propose(work: Work) -> dict[str, Any]:
    """Write the proposal down."""
    values = values_of(work)
    parts = {part: values[source] for part, source in work.pipeline.promote.parts.items()}
    made = ProposalMade(
        proposal_id=hashlib.sha256(work.name.encode()).hexdigest()[:16],
        name=work.pipeline.context,
        parts=parts,
        training_run=values["run"],
        candidate_run=values["candidate_run"],
        current_run=work.outputs["evaluate_current"]["run"],
        comparison=dict(work.outputs["compare"]),
        made_by=work.name,
        base=work.outputs["evaluation"]["base"],
    )
    record = keep_proposal(work.data_dir, made, actor=work.actor)
    work.say(f"proposal {made.proposal_id}: `backtalk pipeline promote {work.run_id} --reason ...`")
    return {"proposal": made.proposal_id, "record": record.number, "parts": parts}


def values_of(work: Work) -> dict[Source, str]:
    """What a part of the name may become."""
    trained = trained_of(work)
    return {
        "run": work.outputs["register"]["run"],
        "candidate_run": work.outputs["evaluate_candidate"]["run"],
        "model": work.outputs["evaluate_candidate"]["model"],
        "artefact": trained.artefact,
        "dataset": work.outputs["dataset"]["dataset_id"],
        "evaluation": work.outputs["evaluation"]["dataset_id"],
    }


def tell(work: Work) -> dict[str, Any]:
    """Tell the webhook, where there is one; the proposal stands whether it listens or not."""
    asked = work.pipeline.promote
    if asked.webhook is None:
        return {"told": None}
    made = work.outputs["propose"]
    message = {"type": "proposal", "pipeline": work.pipeline.name, "run_id": work.run_id, **made}
    message |= {"name": work.pipeline.context, "comparison": dict(work.outputs["compare"])}
    sent = send(asked.webhook, asked.secret_env, made["proposal"], message)
    work.metrics.add("backtalk.pipeline.webhooks", result="told" if sent.told else "failed")
    where = urlsplit(asked.webhook).hostname  # alone: of many services the rest of the address is the secret
    work.say(f"{where} {'was told' if sent.told else 'could not be told: ' + sent.message}")
    return sent._asdict()


STEPS: Final[Mapping[str, Callable[[Work], dict[str, Any]]]] = {"compare": compare, "propose": propose, "tell": tell}
"""By name, in their order."""
