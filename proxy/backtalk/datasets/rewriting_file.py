"""Writes a dataset that is a single file anew without some of its rows, as `rewriting` does with a folder.

In: the manifest beside the file, and the numbers of rows. Out: another file and its manifest. The one rule: a file has
a line for each row that its format could hold, in the rows' order, so the rows' numbers say which lines stay; a file
that is not as its manifest says is not guessed at.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final

from backtalk.datasets.manifest import Counts, beside, write_manifest
from backtalk.datasets.output import FileEntry, Lines, sync_folders
from backtalk.datasets.prompts import LeftOut
from backtalk.datasets.rewriting import head_after, left_out_after
from backtalk.errors import SetupError

_UNFIT: Final = "unfit_rows"
_Document = Mapping[str, Any]


def rewrite_file(file: Path, out: Path, dropped: AbstractSet[int]) -> None:
    """Make `out` from `file` without these rows; `SetupError` where the file is not what its manifest says."""
    content = beside(file).read_bytes()
    before = json.loads(content)
    unfit = {one["row"]: one["reason"] for one in before.get(_UNFIT, ())}
    _check(file, before, len(before["rows"]) - len(unfit))
    drafts = [path.with_name(f".{path.name}.tmp") for path in (out, beside(out))]
    for draft in drafts:
        draft.unlink(missing_ok=True)
    entry = _copy(file, drafts[0], [row["row"] for row in before["rows"] if row["row"] not in unfit], dropped)
    _describe(drafts[1], before, entry._replace(name=out.name), hashlib.sha256(content).hexdigest(), dropped)
    drafts[0].replace(out)
    drafts[1].replace(beside(out))
    sync_folders(out.parent, deep=False)


def _check(file: Path, before: _Document, lines: int) -> None:
    (entry,) = before["files"]
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != entry["sha256"] or entry["rows"] != lines:
        raise SetupError(f"{file} is not as its manifest says", code="dataset_damaged")


def _copy(file: Path, draft: Path, rows: Iterable[int], dropped: AbstractSet[int]) -> FileEntry:
    lines = Lines(draft.parent, draft.name)
    with file.open("rb") as content:
        for row, line in zip(rows, content, strict=True):
            if row not in dropped:
                lines.add_bytes(line)
    return lines.close()


def _describe(draft: Path, before: _Document, entry: FileEntry, previous: str, dropped: AbstractSet[int]) -> None:
    kept = [row for row in before["rows"] if row["row"] not in dropped]
    number = {row["row"]: place for place, row in enumerate(kept)}
    unfit = [one | {"row": number[one["row"]]} for one in before.get(_UNFIT, ()) if one["row"] not in dropped]
    skipped = {name: Counter(one["reason"] for one in unfit) for name in before["recipe"]["formats"]}
    counts = Counts(len(kept), _balance(kept), skipped)
    document = head_after(before, counts, [entry], previous, len(dropped)) | {_UNFIT: unfit}
    if not unfit:
        del document[_UNFIT]
    rows = (row | {"row": number[row["row"]]} for row in kept)
    write_manifest(draft, document, rows, _left_out(before, kept, dropped))


def _balance(rows: Sequence[_Document]) -> dict[str, Any]:
    """What the manifest's rows tell of where the dataset leans: neither models nor languages."""
    rules = Counter(rule for row in rows for rule in dict.fromkeys(one["rule"] for one in row["reasons"]))
    return {
        "split": dict(Counter(row["split"] for row in rows)),
        "rule": dict(sorted(rules.items(), key=lambda pair: (-pair[1], pair[0]))),
        "mean_weight": round(sum(row["weight"] for row in rows) / len(rows), 6) if rows else None,
        "facts": {
            "feedback": sum(len(row["feedback_ids"]) for row in rows),
            "signals": sum(len(row["signal_ids"]) for row in rows),
        },
    }


def _left_out(before: _Document, kept: Sequence[_Document], dropped: AbstractSet[int]) -> Iterator[LeftOut]:
    """Facts that are part of no row, each once, in their order."""
    used = {("feedback", name) for row in kept for name in row["feedback_ids"]}
    used |= {("signal", name) for row in kept for name in row["signal_ids"]}
    reasons = {(fact, name): why for fact, name, why in left_out_after(before, dropped)}
    yield from (LeftOut(*key, reasons[key]) for key in sorted(reasons) if key not in used)
