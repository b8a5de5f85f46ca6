"""What is built and installed: exactly the packages on disk, from locks that a plain pip can check."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

LOCKS = (
    "deploy/requirements.lock",
    "deploy/locks/backends.lock",
    "deploy/locks/check.lock",
    "deploy/locks/clients-aider.lock",
    "deploy/locks/clients-openai2.lock",
    "deploy/locks/clients.lock",
    "deploy/locks/evaluation.lock",
    "deploy/locks/engines.lock",
    "deploy/locks/formats.lock",
    "deploy/locks/hosts.lock",
    "deploy/locks/mlflow.lock",
    "deploy/locks/model.lock",
    "deploy/locks/node.lock",
    "deploy/locks/phoenix.lock",
    "deploy/locks/redis.lock",
    "deploy/locks/signals.lock",
    "deploy/locks/torch.lock",
    "deploy/locks/trl.lock",
)


@pytest.fixture(scope="module")
def wheel_names(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in a wheel built here, without network."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_wheel_holds_the_packages_on_disk_and_nothing_else(root: Path, wheel_names: list[str]) -> None:
    """The wheel's top-level names are the folders under `proxy/` and `plugins/`."""
    top = {name.partition("/")[0] for name in wheel_names if ".dist-info/" not in name}
    folders = [path for source in ("proxy", "plugins") for path in (root / source).iterdir() if path.is_dir()]
    assert top == {folder.name for folder in folders if folder.name != "__pycache__"}


def test_wheel_is_typed_and_licensed(wheel_names: list[str]) -> None:
    """Type checkers of users see our types, and the licence travels along."""
    assert "backtalk/py.typed" in wheel_names
    assert any(name.endswith("licenses/LICENSE") for name in wheel_names)


@pytest.mark.parametrize("source", ["proxy", "plugins"])
def test_source_roots_are_no_packages(root: Path, source: str) -> None:
    """An `__init__.py` there would collide with the distribution proxy.py, silently."""
    assert not (root / source / "__init__.py").exists()


def test_every_plugin_is_found_by_its_entry_point(project: dict[str, Any], root: Path) -> None:
    """Built-in detectors enter by the same door as anybody's: the names are those of their folders."""
    plugins = {path.name for path in (root / "plugins").iterdir() if path.name.startswith("backtalk_")}
    groups = project["project"]["entry-points"]
    targets = [target for group in groups.values() for target in group.values()]
    assert plugins <= {target.partition(":")[0] for target in targets}
    for group in groups.values():
        for name, target in group.items():
            package = target.partition(":")[0].partition(".")[0]
            assert package in ("backtalk", f"backtalk_{name}", "backtalk_samples", "backtalk_trainers")


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_are_complete_and_hashed(root: Path, lock: str) -> None:
    """Every line of a lock is one exact version with hashes; no index, no URL, no path."""
    text = (root / lock).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert [block for block in blocks if not re.match(r"[a-z0-9._-]+==\S+", block)] == []
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text


def test_the_lock_of_npm_is_hashed_and_names_no_source(root: Path) -> None:
    """Every package has one version and a hash; where it is fetched from is the machine's matter."""
    lock = json.loads((root / "deploy/locks/node/package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in packages.items() if not entry["version"] or "integrity" not in entry] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    asked = json.loads((root / "deploy/locks/node/package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {f"node_modules/{name}" for name in asked} <= packages.keys()


def test_main_lock_satisfies_the_project(project: dict[str, Any], root: Path) -> None:
    """Whatever the project asks for is in the lock: `make test` installs from nowhere else."""
    locked = _locked(root / "deploy/requirements.lock")
    groups = project["dependency-groups"]
    asked = [
        *project["project"]["dependencies"],
        *groups["build"],
        *(one for one in groups["test"] if isinstance(one, str)),
    ]
    assert {name for name in map(_name, asked) if name not in locked} == set()


def test_check_lock_fits_the_main_lock(project: dict[str, Any], root: Path) -> None:
    """Both are installed into one environment: what both name has one version, and every checker is there."""
    main, check = _locked(root / "deploy/requirements.lock"), _locked(root / "deploy/locks/check.lock")
    assert {name: check[name] for name in check.keys() & main.keys()} == {
        name: main[name] for name in check.keys() & main.keys()
    }
    assert {_name(one) for one in project["dependency-groups"]["check"]} <= check.keys()


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    """`pyproject.toml`."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-")


def _locked(path: Path) -> dict[str, set[str]]:
    """Versions by name: a package may have one version for older and one for newer Pythons."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name.replace("_", "-"), set()).add(version)
    return found
