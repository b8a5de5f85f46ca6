"""The queries of datasets on three engines: tables on disk go in, a hash of every result comes out.

Run as a program: `python -m backtalk.testing.engines pyspark|chdb LEDGER` prints the hashes as JSON. The one rule: each
engine gets its own SQL of the same expressions, in the same order, and rows are compared by value.
"""

import hashlib
import importlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from backtalk.datasets.queries.scope import Scope
from backtalk.datasets.queries.steps import CHUNKED, KEPT, WHOLE, queries
from backtalk.datasets.queries.tables import NAMES
from backtalk.ledger.schema import COLUMNS

SCOPES: Final[Mapping[str, Scope]] = {
    "all": Scope(),
    "some": Scope(
        since_ns=1_767_268_900_000_000_000,
        until_ns=1_767_330_000_000_000_000,
        models=("m", "it's"),
        tenants=("o'brien", 'we"ird\\', "acme"),
        users=("it's", "ü 漢字 🙂", 'a "b" \\n', "plain", "%_*?[]"),
    ),
}
_SPARK_TYPES: Final = {"text": "string", "int": "bigint", "real": "double", "flag": "boolean", "texts": "array<string>"}
_CLICKHOUSE_TYPES: Final = {
    "text": "Nullable(String)", "int": "Nullable(Int64)", "real": "Nullable(Float64)", "flag": "Nullable(Bool)",
    "texts": "Array(String)",
}  # fmt: skip


def digests(
    keep: Callable[[str, str], object], rows: Callable[[str], Iterable[Mapping[str, Any]]], dialect: str
) -> Any:
    """The number of rows and a hash of them for each query that is read."""
    found: dict[str, Any] = {}
    for scope_name, scope in SCOPES.items():
        asked = queries(scope, dialect)
        for name in KEPT:
            keep(name, asked[name])
        for name in (*CHUNKED, *WHOLE):
            found[f"{scope_name}.{name}"] = _digest(rows(asked[name]))
    return found


def digest_of(found: Any) -> str:
    """One hash of all."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _digest(rows: Iterable[Mapping[str, Any]]) -> tuple[int, str]:
    lines = [json.dumps({name: _plain(value) for name, value in row.items()}, sort_keys=True) for row in rows]
    return len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A whole number is one, whatever type the engine gives it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def pyspark(root: Path) -> Any:
    """On PySpark, in this process."""
    sql: Any = importlib.import_module("pyspark.sql")
    _ = importlib.import_module("ibis").pyspark  # registers the options that its compiler reads
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "1").config("spark.log.level", "ERROR")
    builder = builder.config("spark.sql.codegen.wholeStage", "false").config("spark.sql.adaptive.enabled", "false")
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    spark = builder.config("spark.sql.sources.partitionColumnTypeInference.enabled", "false").getOrCreate()
    for name in NAMES:
        files = spark.read.option("mergeSchema", "true").parquet(str(root / name))
        columns = [
            f"cast({f'`{column}`' if column in files.columns else 'null'} as {_SPARK_TYPES[kind]}) as `{column}`"
            for column, kind in COLUMNS[name].items()
        ]
        _kept(spark, files.selectExpr(*columns), name)

    def keep(name: str, query: str) -> None:
        _kept(spark, spark.sql(query), name)

    return digests(keep, lambda query: (row.asDict() for row in spark.sql(query).collect()), "pyspark")


def _kept(spark: Any, frame: Any, name: str) -> None:
    """As files: a view of a plan would be planned anew for each query, and a checkpoint joins wrongly with itself."""
    folder = tempfile.mkdtemp(prefix=f"{name}-", dir=".")
    frame.coalesce(1).write.mode("overwrite").parquet(folder)
    spark.read.parquet(folder).createOrReplaceTempView(name)


def chdb(root: Path) -> Any:
    """On ClickHouse's engine, in this process."""
    session = importlib.import_module("chdb.session").Session()
    session.query("create database ledger engine = Atomic")
    session.query("use ledger")
    session.query("set join_use_nulls = 1")
    for name in NAMES:
        kinds = ", ".join(f"`{column}` {_CLICKHOUSE_TYPES[kind]}" for column, kind in COLUMNS[name].items())
        source = f"file('{root}/{name}/**/*.parquet', Parquet, '{kinds}')"
        view = f"create view {name} as select * from {source} settings use_hive_partitioning = 1"  # noqa: S608 -- ours
        session.query(view)

    def keep(name: str, query: str) -> None:
        session.query(f"drop table if exists {name}")
        session.query(f"create table {name} engine = Memory as {query}")

    def rows(query: str) -> Iterable[Mapping[str, Any]]:
        settings = "settings output_format_json_quote_64bit_integers = 0, join_use_nulls = 1"
        for line in str(session.query(f"{query} {settings}", "JSONEachRow")).splitlines():
            yield json.loads(line)

    return digests(keep, rows, "clickhouse")


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"pyspark": pyspark, "chdb": chdb}[sys.argv[1]](Path(sys.argv[2]))) + "\n")
