"""The import contracts of `pyproject.toml`: the tree keeps them, and each of them catches what it forbids."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if path.name.startswith("backtalk_"))

PLANTS = [
    ("backtalk/errors.py", "import backtalk.settings", "Imports go down the layers"),
    ("backtalk/model/ids.py", "import backtalk.worker", "Imports go down the layers"),
    ("backtalk/relay/raw.py", "import backtalk.observe.tee", "Imports go down the layers"),
    ("backtalk/session/keys.py", "import backtalk.spool.tail", "Imports go down the layers"),
    ("backtalk/worker.py", "import backtalk.testing.wire", "The product never leans on its testing kit"),
    ("backtalk/detect/desk.py", "import backtalk_stop", "The host never names a plugin"),
    ("backtalk_stop/__init__.py", "import backtalk.model.ids", "A plugin imports backtalk.plugin"),
    ("backtalk_regeneration/__init__.py", "import backtalk_stop", "Plugins do not know each other"),
    ("backtalk/detect/window.py", "import redis", "redis is imported only by"),
    ("backtalk_stop/more.py", "import redis", "redis is imported only by"),
    ("backtalk/export/tables.py", "import deltalake", "deltalake is imported only by"),
    ("backtalk/observe/tee.py", "import starlette.responses", "starlette is imported only by"),
    ("backtalk/relay/spans.py", "import opentelemetry.sdk.trace", "opentelemetry is imported only by"),
    ("backtalk/supervisor.py", "import uvicorn", "uvicorn is imported only by"),
    ("backtalk/relay/router.py", "import litellm", "litellm is imported only by"),
    ("backtalk/datasets/build.py", "import duckdb", "ibis and duckdb are imported only by"),
    ("backtalk/quality/figures.py", "import ibis", "ibis and duckdb are imported only by"),
]
MODULES = frozenset(path.stem for path in (ROOT / "proxy" / "backtalk").glob("*.py")) | {"app", "supervisor", "worker"}
TARGETS = ["backtalk/spool/tail.py", "backtalk/testing/wire.py"]
ALLOWED = [
    ("backtalk/session/store.py", "import redis\nfrom redis.asyncio import Redis"),
    ("backtalk/ledger/tables.py", "import deltalake"),
    ("backtalk/web/door.py", "import starlette.routing\nimport uvicorn"),
    ("backtalk/datasets/engine.py", "import duckdb"),
    ("backtalk/datasets/queries/expressions.py", "import ibis"),
    ("backtalk/app.py", "import uvicorn\nimport starlette.applications\nimport backtalk.web.door"),
    ("backtalk/export/otlp.py", "from opentelemetry.sdk.trace import Tracer"),
    ("backtalk/telemetry/push.py", "import opentelemetry"),
    ("backtalk/testing/wire.py", "import redis\nimport uvicorn\nimport starlette\nimport backtalk.app"),
    ("backtalk/demo/show.py", "import backtalk.testing.wire"),
    ("backtalk_reformulation/__init__.py", "from backtalk.plugin import Signal"),
]


def test_tree_keeps_every_contract() -> None:
    """No import in the project breaks a contract."""
    report = _lint(ROOT, "proxy", "plugins")
    assert report.returncode == 0, report.stdout


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report on a tree in which every contract is broken somewhere."""
    tree = _tree(tmp_path_factory.mktemp("planted"))
    for target in TARGETS:
        _plant(tree, target, "")
    for file, text, _ in PLANTS:
        _plant(tree, file, text)
    report = _lint(tree)
    assert report.returncode == 1, report.stdout + report.stderr
    return report.stdout


@pytest.mark.parametrize(("file", "text", "contract"), PLANTS, ids=[f"{file}: {text}" for file, text, _ in PLANTS])
def test_planted_violation_is_reported(planted: str, file: str, text: str, contract: str) -> None:
    """Each forbidden import is reported under its contract, with the importing module and its line."""
    details = planted.partition("Broken contracts")[2].partition(contract)[2]
    section = re.split(r"\n-{5,}\n", details)[1]
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    imported = text.removeprefix("import ")
    library = imported.partition(".")[0]
    assert f"{module} -> {imported if library == 'backtalk' else library}" in section
    assert "(l.1)" in section


def test_unlisted_room_is_reported(tmp_path: Path) -> None:
    """A new room has to be given its layer before anything else."""
    tree = _tree(tmp_path)
    _plant(tree, "backtalk/unheard_of/__init__.py", "")
    assert "backtalk.unheard_of" in _lint(tree).stdout


def test_allowed_imports_pass(tmp_path: Path) -> None:
    """The doors may import what they are doors of, and what lies below them."""
    tree = _tree(tmp_path)
    for file, text in ALLOWED:
        _plant(tree, file, text)
    report = _lint(tree)
    assert report.returncode == 0, report.stdout + report.stderr


def test_every_plugin_is_under_the_contracts() -> None:
    """A plugin folder is packaged, linted and held independent of the others: a new one cannot be forgotten."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    linter = project["importlinter"]
    contracts = {contract["name"]: contract for contract in linter["contracts"]}
    assert linter["root_packages"] == ["backtalk", *PLUGINS]
    assert contracts["Plugins do not know each other"]["modules"] == PLUGINS
    assert contracts["The host never names a plugin"]["forbidden_modules"] == PLUGINS
    assert contracts["A plugin imports backtalk.plugin and nothing else of the host"]["source_modules"] == PLUGINS
    for contract in linter["contracts"]:
        if " is imported only by " in contract["name"]:
            assert contract["source_modules"] == ["backtalk", *PLUGINS]


def _tree(root: Path) -> Path:
    """A skeleton of the packages the contracts speak of, with the project's own contracts."""
    shutil.copy(ROOT / "pyproject.toml", root)
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers")
    rooms = {room.strip(" ()") for layer in layers for room in layer.split("|")}
    for room in (*rooms, "testing", "demo"):
        module = f"{room}.py" if room in MODULES else f"{room}/__init__.py"
        _plant(root, f"backtalk/{module}", "")
    for plugin in PLUGINS:
        _plant(root, f"{plugin}/__init__.py", "")
    return root


def _plant(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    for package in path.relative_to(root).parents[:-1]:
        (root / package / "__init__.py").touch()
    path.write_text(text, encoding="utf-8")


def _lint(tree: Path, *roots: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(tree / root) for root in roots or (".",))
    program = str(Path(sys.executable).with_name("lint-imports"))
    return subprocess.run(
        [program, "--no-cache", "--no-logo"],
        cwd=tree,
        env={"PYTHONPATH": path, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
