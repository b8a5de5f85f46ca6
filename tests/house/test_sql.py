"""The SQL that other engines are given is what the expressions say."""

import runpy
from pathlib import Path


def test_sql_is_up_to_date(root: Path) -> None:
    """`make reference` writes every query for each dialect; what is checked in is what it writes, and nothing else."""
    expected = runpy.run_path(str(root / "tests/house/sql.py"))["written"]()
    folder = root / "deploy" / "sql"
    found = {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in folder.rglob("*.sql")}
    assert found == expected, "run: make reference"
