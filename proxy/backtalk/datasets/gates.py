"""The gates: what a sample must pass before a row exists.

In: samples with what is known of their calls. Out: rows in the scratch file, or the reason why there is none. The
order is the rule: consent, redaction, equal rows (which become one), near rows, evaluations, and last the cap of a
user, so that nothing that is left out uses anybody's share.
"""

from array import array
from collections.abc import Mapping, Sequence
from typing import Final

from backtalk.datasets.contamination import runs_in, runs_of
from backtalk.datasets.exchanges import last_user_text
from backtalk.datasets.near import bands, least_shared, likeness, signature
from backtalk.datasets.prompts import Known
from backtalk.datasets.recipe import Gates
from backtalk.datasets.redaction import Redaction, redacted
from backtalk.datasets.rows import DatasetRow, decode_row, encode_row, merged, row_key, user_marks
from backtalk.datasets.scratch import Scratch
from backtalk.model.ids import CallKey
from backtalk.plugin import Redactor, Sample

_NUMBERS: Final = "q"


class Gatekeeper:
    """Lets samples into a scratch file; one a build."""

    def __init__(self, gates: Gates, redactors: Sequence[Redactor], scratch: Scratch) -> None:
        self._gates = gates
        self._redaction = Redaction(redactors)
        self._scratch = scratch
        self._least_shared = least_shared(gates.near_duplicates)
        scratch.add_runs(runs_in(gates.decontaminate))

    def admit(self, sample: Sample, prompt_id: str, known: Mapping[CallKey, Known]) -> str | None:
        """Keep a sample's row; the reason where there is none."""
        about = [known[name] for name in sample.calls if name in known]
        if self._gates.consent and not all(self._gates.consent in one.consent for one in about):
            return "no_consent"
        row = DatasetRow(redacted(sample, self._redaction), about[0].model, about[0].language)
        key = row_key(row.sample)
        same = self._scratch.row_with(key)
        if same is not None:
            number, payload = same
            self._scratch.replace(number, encode_row(merged(decode_row(payload), row)))
            self._mark(number, prompt_id, about)
            return None
        return self._first(row, key, prompt_id, about)

    def _first(self, row: DatasetRow, key: bytes, prompt_id: str, about: Sequence[Known]) -> str | None:
        signed = signature(_told(row.sample)) if self._gates.near_duplicates else ()
        if signed and self._is_near(signed):
            return "near_duplicate"
        if self._gates.decontaminate and self._scratch.is_evaluated(runs_of(row.sample)):
            return "in_evaluation"
        users = user_marks([one.user for one in about], [one.session for one in about])
        limit = self._gates.max_per_user
        if limit and any(self._scratch.rows_of_user(name) >= limit for name in users):
            return "user_cap"
        for name in users if limit else ():
            self._scratch.count_user(name)
        number = self._scratch.add(key, encode_row(row))
        if signed:
            self._scratch.remember(number, bands(signed), array(_NUMBERS, signed).tobytes())
        self._mark(number, prompt_id, about)
        return None

    def _is_near(self, signed: Sequence[int]) -> bool:
        limit = self._gates.near_duplicates
        return any(
            likeness(signed, array(_NUMBERS, numbers)) >= limit
            for numbers in self._scratch.signatures_near(bands(signed), self._least_shared)
        )

    def _mark(self, number: int, prompt_id: str, about: Sequence[Known]) -> None:
        names = {f"session {one.session}" for one in about} | {f"user {one.user}" for one in about if one.user}
        self._scratch.mark(number, sorted(names | {f"prompt {prompt_id}"}))


def _told(sample: Sample) -> str:
    """What makes a sample its own: the last question and the answers, not what every conversation begins with."""
    answers = (sample.completion, sample.rejected, sample.reference)
    called = [call.arguments for one in answers if one is not None for call in one.tool_calls]
    texts = [one.text for one in answers if one is not None]
    return "\n".join((sample.kind, str(sample.label), last_user_text(sample.prompt), *texts, *called))
