"""Texts of evaluations, so that no row teaches what is to be asked.

In: folders of datasets or JSONL files. Out: hashes of their runs of 13 words (shorter texts whole), which a sample's
questions and answers are compared with. Thirteen words in a row are what GPT-3's authors took for contamination (Brown
et al. 2020, appendix C).
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

from backtalk.errors import SetupError
from backtalk.plugin import Sample
from backtalk.text.words import normal, words

RUN_WORDS: Final = 13
_MIN_WORDS: Final = 3
"""A text of fewer words (a greeting, a yes) gives nothing away."""


def runs(text: str) -> Iterator[int]:
    """The hash of each run of words; of the whole text where it has fewer words."""
    found = words(normal(text))
    if len(found) < _MIN_WORDS:
        return
    for at in range(max(1, len(found) - RUN_WORDS + 1)):
        digest = hashlib.blake2b(" ".join(found[at : at + RUN_WORDS]).encode(), digest_size=8).digest()
        yield int.from_bytes(digest, "big", signed=True)


def runs_of(sample: Sample) -> Iterator[int]:
    """The runs of what a sample says, instructions aside: those are the same in most conversations.

    A short answer gives nothing away either, a label or a yes being the answer to many questions: of answers only
    full runs count.
    """
    asked = [message.text for message in sample.prompt if message.role == "user"]
    answers = [message.text for message in sample.prompt if message.role == "assistant"]
    answers += [one.text for one in (sample.completion, sample.rejected, sample.reference) if one is not None]
    for text in asked:
        yield from runs(text)
    for text in answers:
        if len(words(normal(text))) >= RUN_WORDS:
            yield from runs(text)


def runs_in(sources: tuple[str, ...]) -> Iterator[int]:
    """The runs of every text in files of evaluations."""
    for source in sources:
        for file in _files(Path(source)):
            for text in _texts_of(file):
                yield from runs(text)


def _files(source: Path) -> list[Path]:
    found = sorted(source.rglob("*.jsonl")) if source.is_dir() else [source] if source.is_file() else []
    if not found:
        raise SetupError(
            f"gates.decontaminate names {source}, which is no JSONL file and no folder with one", code="bad_recipe"
        )
    return found


def _texts_of(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield from _strings(json.loads(line))
            except ValueError as error:
                raise SetupError(f"{file}:{number} is not JSON", code="bad_recipe") from error


def _strings(value: Any) -> Iterator[str]:
    """Every text in a row, but for instructions."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in cast("Sequence[Any]", value):
            yield from _strings(one)
    elif isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if fields.get("role") not in ("system", "developer", "tool"):
            for name, one in fields.items():
                if name not in ("role", "tools", "id", "metadata"):
                    yield from _strings(one)
