"""What a dataset consists of, so that a person sees at once where it leans.

In: rows as they are written, and facts that made none. Out: counts by rule, kind of answer, model, language and
split, and reasons. Counters are bounded: of many models the most frequent are named, the rest is `other`.
"""

from collections import Counter
from typing import Any, Final

from backtalk.datasets.rows import DatasetRow, fact_ids

NAMED: Final = 30
_COUNTED: Final = 10_000


class Balance:
    """Counts of one build."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("split", "rule", "tag", "label", "model", "language")
        }
        self._weight = 0.0
        self.rows = 0
        self.feedback = 0
        self.signals = 0

    def add(self, split: str, row: DatasetRow) -> None:
        """Count one row; a row of several rules counts under each."""
        sample = row.sample
        self.rows += 1
        self._weight += sample.weight
        self.feedback += len(fact_ids(sample.reasons, "feedback"))
        self.signals += len(fact_ids(sample.reasons, "signal"))
        self._count("split", split)
        self._count("model", row.model or "unknown")
        self._count("language", row.language)
        for rule in dict.fromkeys(reason.rule for reason in sample.reasons):
            self._count("rule", rule)
        if sample.tag:
            self._count("tag", sample.tag)
        if sample.label is not None:
            self._count("label", "true" if sample.label else "false")

    def of(self, what: str) -> dict[str, int]:
        """The counts of one dimension, the most frequent first, equal ones by name."""
        ordered = sorted(self._counts[what].items(), key=lambda pair: (-pair[1], pair[0]))
        rest = sum(count for _, count in ordered[NAMED:])
        return dict(ordered[:NAMED]) | ({"other": rest} if rest else {})

    def document(self) -> dict[str, Any]:
        """All counts."""
        mean = round(self._weight / self.rows, 6) if self.rows else None
        counts = {name: self.of(name) for name in self._counts if self._counts[name]}
        return counts | {"mean_weight": mean, "facts": {"feedback": self.feedback, "signals": self.signals}}

    def _count(self, what: str, name: str) -> None:
        counter = self._counts[what]
        counter[name if name in counter or len(counter) < _COUNTED else "other"] += 1
