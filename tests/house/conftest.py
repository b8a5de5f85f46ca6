"""What the house tests look at: the project's own files, read once."""

import ast
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_FOLDERS = ("proxy", "plugins", "deploy", "tests", ".ci")
_LEFT_OUT = frozenset({"__pycache__", ".DS_Store"})


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's own folder."""
    return _ROOT


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """Every text file of the project by its path from the root."""
    paths = [path for folder in _FOLDERS for path in (_ROOT / folder).rglob("*")]
    paths += [path for path in _ROOT.iterdir() if path.name == "Makefile" or path.suffix in {".md", ".toml"}]
    kept = [path for path in paths if path.is_file() and not _LEFT_OUT.intersection(path.parts)]
    return {str(path.relative_to(_ROOT)): text for path in sorted(kept) if (text := _text(path)) is not None}


@pytest.fixture(scope="session")
def trees(texts: dict[str, str]) -> dict[str, ast.Module]:
    """Every Python file of the project, parsed."""
    return {name: ast.parse(text) for name, text in texts.items() if name.endswith(".py")}


@pytest.fixture(scope="session")
def product(trees: dict[str, ast.Module]) -> dict[str, ast.Module]:
    """The Python files that are shipped."""
    return {name: tree for name, tree in trees.items() if name.startswith(("proxy/", "plugins/"))}


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
