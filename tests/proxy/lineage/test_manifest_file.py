"""Manifests are read a line at a time."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.datasets.manifest import write_manifest
from backtalk.datasets.prompts import LeftOut
from backtalk.lineage.manifest_file import Part, copied, parts

HEAD = {"format": 2, "kind": "dpo", "recipe": {"text": 'a = 1\n "rows": [\n'}, "files": [{"name": "x"}]}
TEXT = st.text(max_size=20) | st.sampled_from(
    ['}],\n "left_out": {"facts": [', '], "count_by_reason": {', " ", "]", "}"]
)


def read(path: Path, *wanted: Part) -> list[tuple[Part, Any]]:
    """The parts, decoded."""
    return [(part, json.loads(content)) for part, content in parts(path, *(wanted or tuple(Part)))]


@given(rows=st.lists(TEXT, max_size=4), left_out=st.lists(TEXT, max_size=4))
def test_what_a_build_writes_comes_back_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], left_out: list[str]
) -> None:
    """Whatever the texts are; asked for as a whole it is the same."""
    path = tmp_path_factory.mktemp("x") / "manifest.json"
    lines = [{"row": number, "split": text} for number, text in enumerate(rows)]
    write_manifest(path, HEAD, lines, [LeftOut("signal", text, "unused") for text in left_out])

    whole = json.loads(path.read_bytes())
    assert read(path, Part.HEAD) == [(Part.HEAD, HEAD)]
    assert [one for _, one in read(path, Part.ROW)] == lines == whole["rows"]
    assert [one for _, one in read(path, Part.LEFT_OUT)] == whole["left_out"]["facts"]
    assert len(read(path)) == 1 + len(rows) + len(left_out)


@pytest.mark.parametrize("indent", [None, 1, 2])
def test_another_layout_is_read_as_a_whole(tmp_path: Path, indent: int | None) -> None:
    """A manifest that somebody else wrote, in one line or over many."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"kind": "x", "rows": [{"row": 0}], "left_out": {"facts": [{"id": 1}]}}, indent=indent))
    assert [one for _, one in read(path, Part.ROW, Part.LEFT_OUT)] == [{"row": 0}, {"id": 1}]


def test_one_that_is_too_large_for_that_is_refused(tmp_path: Path) -> None:
    """Before it is read."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"rows": [{"row": 0, "x": "y" * (1 << 20)}]}))
    with pytest.raises(ValueError, match="rows do not stand a line each"):
        list(parts(path, Part.ROW, whole_bytes=1 << 10))


def test_a_copy_is_gone_unless_somebody_keeps_it(tmp_path: Path) -> None:
    """With its hash; nothing is left of one that was not wanted."""
    source = tmp_path / "a"
    source.write_bytes(b"abc")
    with copied(source, tmp_path) as (copy, sha256):
        assert copy.read_bytes() == b"abc"
        assert sha256.startswith("ba7816bf")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
