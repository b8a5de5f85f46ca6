"""What an evaluation asks is found in a sample."""

from pathlib import Path

import pytest

from backtalk.datasets.contamination import runs, runs_in, runs_of
from backtalk.errors import SetupError
from backtalk.plugin import Message
from backtalk.testing.samples import a_sample, said

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def test_thirteen_words_in_a_row_are_enough() -> None:
    """Twelve of a long text are not; case and white space do not count."""
    assert set(runs(LONG)) & set(runs(f"So: {LONG.upper()}  and so on"))
    assert not set(runs(LONG)) & set(runs(LONG.replace("seven", "sieben").replace("eight", "acht")))


def test_short_texts_are_compared_whole_and_greetings_not_at_all() -> None:
    """A yes gives nothing away."""
    assert set(runs("Why is it?")) == set(runs("why is it?"))
    assert list(runs("Hello there")) == []


def test_instructions_are_no_contamination() -> None:
    """They are the same in training and evaluation."""
    sample = a_sample(prompt=(Message("system", LONG), Message("user", "Why is the sky blue?")))
    assert not set(runs(LONG)) & set(runs_of(sample))


def test_a_short_answer_gives_nothing_away_and_a_long_one_does() -> None:
    """Many questions have the same label for an answer; a question that an evaluation asks is found however short."""
    label, question = "queue billing urgent false", "Why is the sky blue?"
    sample = a_sample(prompt=(Message("user", question),), completion=said(label), rejected=said(LONG))
    assert not set(runs(label)) & set(runs_of(sample))
    assert set(runs(question)) <= set(runs_of(sample))
    assert set(runs(LONG)) <= set(runs_of(sample))


def test_every_text_of_a_file_is_read_but_roles_and_instructions(tmp_path: Path) -> None:
    """Whatever the format is, as long as it is JSONL."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jsonl").write_text('{"input": [{"role": "user", "content": "Why is it?"}], "id": "a b c"}\n')

    found = set(runs_in((str(tmp_path),)))

    assert found == set(runs("Why is it?"))


@pytest.mark.parametrize("content", [None, "{oops"])
def test_what_cannot_be_read_is_said(tmp_path: Path, content: str | None) -> None:
    """A recipe that names nothing would let everything through."""
    file = tmp_path / "x.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SetupError, match="is not JSON" if content else "no JSONL file"):
        list(runs_in((str(file),)))
