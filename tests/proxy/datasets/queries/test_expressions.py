"""The words that the queries are made of."""

import subprocess
import sys

import pytest

from backtalk.datasets.queries import expressions
from backtalk.datasets.queries.expressions import (
    constant,
    either,
    is_given,
    md5,
    newest,
    number,
    place,
    size,
    sql,
    sum_before,
    text,
    unbound,
    union,
)

_SHOW = "print(*sorted({'duckdb', 'ibis', 'pandas', 'pyarrow'} & set(sys.modules)))"


@pytest.fixture(name="table")
def some_table() -> expressions.Table:
    """A table of numbers and texts."""
    return unbound("t", {"a": "string", "n": "int64"})


def test_what_is_unordered_does_not_stand_in_an_order(table: expressions.Table) -> None:
    """Places count from 0, sums and sizes are of the whole."""
    order = [newest(table["n"]), table["a"]]
    asked = table.select(
        nth=place(within=[table["a"]], order=order),
        before=sum_before(table["n"], order=order),
        many=size(table, within=[table["a"]]),
    )
    said = " ".join(sql(asked, "duckdb").split())
    assert 'ROW_NUMBER() OVER ( PARTITION BY "t0"."a" ORDER BY "t0"."n" DESC, "t0"."a" ASC' in said
    assert 'SUM("t0"."n") OVER (' in said
    assert 'COUNT(*) OVER (PARTITION BY "t0"."a"' in said


def test_nothing_and_an_empty_text_are_both_not_given(table: expressions.Table) -> None:
    """Nulls are told from no text by nobody."""
    asked = union(
        table.filter(is_given(table["a"])).select(b=md5(text(table["a"])), c=either(table["n"], 0)),
        table.select(b=constant("x"), c=number(table["n"] > 1).cast("int64")),
    )
    said = sql(asked, "duckdb")
    assert "COALESCE" in said
    assert "UNION ALL" in said


@pytest.mark.parametrize(
    "module", ["backtalk.cli", "backtalk.commands.datasets", "backtalk.worker.run", "backtalk.datasets.erasing"]
)
def test_serving_does_not_load_the_engine(module: str) -> None:
    """Nor does the command line before a dataset is built."""
    assert printed(f"import sys, {module}; {_SHOW}") == ""


def test_queries_are_written_without_arrow_and_pandas() -> None:
    """Ibis' extras would bring 300 MB."""
    imports = "import sys; from backtalk.datasets.queries import scope, steps"
    assert printed(f"{imports}; steps.queries(scope.Scope(), 'duckdb'); {_SHOW}") == "ibis"


def printed(code: str) -> str:
    """What a program of its own prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()
