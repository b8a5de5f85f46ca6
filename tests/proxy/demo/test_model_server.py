"""The weights of the demo's model are put together from parts, and checked."""

import hashlib
from pathlib import Path

import pytest

from backtalk.demo.model_server import assembled, part_of


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Six small files."""
    paths = [tmp_path / f"part{number}.bin" for number in range(6)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 10)
    return paths


def test_the_parts_become_one_file_once(parts: list[Path], tmp_path: Path) -> None:
    """In order, checked by their hash; a damaged file is made anew."""
    whole = b"".join(path.read_bytes() for path in parts)
    kept, sha256 = tmp_path / "kept" / "weights.gguf", hashlib.sha256(whole).hexdigest()
    assert assembled(kept, parts, sha256).read_bytes() == whole
    kept.write_bytes(b"damaged")
    assert assembled(kept, parts, sha256).read_bytes() == whole
    assert list(kept.parent.iterdir()) == [kept]


def test_wrong_weights_are_refused(parts: list[Path], tmp_path: Path) -> None:
    """And nothing of them is kept."""
    kept = tmp_path / "kept" / "weights.gguf"
    with pytest.raises(ValueError, match="sha256"):
        assembled(kept, parts, "0" * 64)
    assert list(kept.parent.iterdir()) == []


def test_a_part_is_found_without_running_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages only carry data; code that they may bring is not executed."""
    package = tmp_path / "carried_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('executed')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType] -- pytest leaves it untyped
    assert part_of("carried_weights", 3) == package / "data" / "part03.bin"


def test_a_missing_part_is_named() -> None:
    """With the command that brings it."""
    with pytest.raises(ModuleNotFoundError, match=r"no_such_weights.*make demo"):
        part_of("no_such_weights", 1)
