"""Write the SQL of the datasets' queries: `deploy/sql/<dialect>/<query>.sql`, for readers and other engines."""

import sys
from pathlib import Path
from typing import Final

from backtalk.datasets.queries.scope import Scope
from backtalk.datasets.queries.steps import queries

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "sql"
DIALECTS: Final = ("clickhouse", "duckdb")


def written() -> dict[str, str]:
    """The texts by path from the folder; the scope is everything."""
    return {
        f"{dialect}/{number:02}_{name}.sql": f"{query}\n"
        for dialect in DIALECTS
        for number, (name, query) in enumerate(queries(Scope(), dialect).items(), start=1)
    }


if __name__ == "__main__":
    for path, text in written().items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{FOLDER.relative_to(FOLDER.parents[1])} is written\n")
