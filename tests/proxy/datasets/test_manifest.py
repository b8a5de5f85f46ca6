"""The manifest's document."""

import hashlib

from backtalk.datasets.dpo import Pair, Pairs
from backtalk.datasets.manifest import content_of, manifest
from backtalk.datasets.select import LeftOut
from backtalk.testing import stories

KEY = stories.a_key()
MADE = Pairs(
    (Pair('{"a":1}', ("fb-1",), (), (KEY,)), Pair('{"a":2}', (), ("sig-1",), (KEY,))),
    (LeftOut("feedback", "fb-9", "target_pending"), LeftOut("feedback", "fb-8", "target_pending")),
)


def test_every_row_and_the_file_carry_their_hashes() -> None:
    """Whoever has file and manifest can prove that they belong together."""
    document = manifest(
        MADE,
        file_name="x.jsonl",
        tables={"calls": 3},
        parameters={},
        code_version="1",
        newest_call_ns=None,
        created_ns=1,
    )

    assert document["file"]["sha256"] == hashlib.sha256(content_of(MADE)).hexdigest()
    assert [row["sha256"] for row in document["rows"]] == [
        hashlib.sha256(line).hexdigest() for line in content_of(MADE).splitlines()
    ]
    assert [row["feedback_ids"] + row["signal_ids"] for row in document["rows"]] == [["fb-1"], ["sig-1"]]
    assert document["left_out"]["count_by_reason"] == {"target_pending": 2}


def test_empty_dataset_is_an_empty_file() -> None:
    """No rows, no line."""
    assert content_of(Pairs((), ())) == b""
