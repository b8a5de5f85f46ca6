"""The weights of the demo's model are put together from parts, and checked."""

import hashlib
import importlib
import sys
from pathlib import Path

import pytest

from backtalk.demo import model_server


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Six small packages of the form that the real ones have."""
    for number, name in enumerate(model_server.PACKAGES):
        package = tmp_path / "site" / name
        package.mkdir(parents=True)
        (package / "part.bin").write_bytes(bytes([number]) * 10)
        (package / "__init__.py").write_text(
            "from pathlib import Path\ndef get_part_path():\n    return str(Path(__file__).with_name('part.bin'))\n"
        )
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    importlib.invalidate_caches()
    return b"".join(bytes([number]) * 10 for number in range(len(model_server.PACKAGES)))


def test_the_parts_become_one_file_once(parts: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, checked by their hash; a damaged file is made anew."""
    monkeypatch.setattr(model_server, "SHA256", hashlib.sha256(parts).hexdigest())
    path = model_server.assembled(tmp_path / "kept")
    assert path.read_bytes() == parts
    path.write_bytes(b"damaged")
    assert model_server.assembled(tmp_path / "kept").read_bytes() == parts
    assert [entry.name for entry in (tmp_path / "kept").iterdir()] == [model_server.FILE]


@pytest.mark.usefixtures("parts")
def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    """And nothing of them is kept."""
    with pytest.raises(ValueError, match="sha256"):
        model_server.assembled(tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []
