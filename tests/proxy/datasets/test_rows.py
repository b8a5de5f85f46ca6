"""Rows: keys, merging, columns."""

import msgspec

from backtalk.datasets.rows import DatasetRow, columns, decode_row, encode_row, merged, row_key, user_marks
from backtalk.plugin import Reason
from backtalk.testing.samples import a_sample, said


def test_equal_samples_have_one_key_whatever_made_them() -> None:
    """Reasons, calls and margins do not count; texts do."""
    sample = a_sample()
    other = msgspec.structs.replace(sample, reasons=(Reason("signal", "s-1", "edit", 0.5),), calls=(), margin=0.1)
    assert row_key(sample) == row_key(other)
    assert row_key(sample) != row_key(msgspec.structs.replace(sample, completion=said("else")))


def test_merged_rows_have_the_facts_of_both_once() -> None:
    """And a weight of all facts."""
    first = DatasetRow(a_sample(reasons=(Reason("feedback", "f-1", "correction", 0.5),)), "m", "en")
    second = DatasetRow(
        a_sample(reasons=(first.sample.reasons[0], Reason("signal", "s-1", "edit", 0.5)), calls=first.sample.calls),
        "m",
        "en",
    )
    both = merged(first, second).sample
    assert [one.id for one in both.reasons] == ["f-1", "s-1"]
    assert (both.weight, both.calls) == (0.75, first.sample.calls)


def test_rows_survive_the_scratch_file_and_become_columns() -> None:
    """Nothing is lost on the way."""
    row = decode_row(encode_row(DatasetRow(a_sample(), "m", "en")))
    line = columns(3, "train", row)
    assert row.sample.prompt == a_sample().prompt
    assert (line["row"], line["split"], line["feedback_ids"], line["signal_ids"]) == (3, "train", ["fb-1"], [])
    assert line["completion"] == '{"role":"assistant","text":"It scatters."}'


def test_rows_count_by_user_else_by_session() -> None:
    """Two users of one row both use their share."""
    assert user_marks(["u2", "u1", ""], ["s"]) == ["user u1", "user u2"]
    assert user_marks([""], ["s"]) == ["session s"]
