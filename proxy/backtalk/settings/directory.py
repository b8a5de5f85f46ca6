"""Where the data directory may lie: every store in it has to find its files under the same name.

In: a path. Out: the same path, or `ValueError` with the characters that are in the way. The one rule: what delta-rs
cannot open (brackets, ^, |, a backslash, control characters, bytes that are no UTF-8), what it or a URL of the
embedded Redis decodes (%, #, ?), and what DuckDB would take for a pattern (*) is refused at the start, before anything
is written.
"""

import re
from pathlib import Path
from typing import Final

_IN_THE_WAY: Final = re.compile(r"[\[\]^|\\%#?*\x00-\x1f\x7f\ud800-\udfff]")


def data_directory(path: Path) -> Path:
    """The path as it was given; the directories above it count too, so a relative one is looked at as a whole."""
    whole = str(path.absolute())
    if found := sorted(set(_IN_THE_WAY.findall(whole))):
        marks = " ".join(ascii(mark)[1:-1] for mark in found)
        raise ValueError(f"{whole!a} has {marks} in its name, which the tables and Redis cannot read: name another")
    return path
