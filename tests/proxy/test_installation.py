"""The installation's own files: made once, private, the same for everybody."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backtalk import installation
from backtalk.errors import SetupError


def test_secret_is_one_for_everybody_who_asks_at_once(tmp_path: Path) -> None:
    """Processes that start together agree on one secret."""
    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(installation.secret, [tmp_path / "data"] * 64))

    assert len(answers) == 1
    assert len(answers.pop()) == 32


def test_files_are_private(tmp_path: Path) -> None:
    """Nobody else on the machine can read secret or token."""
    installation.secret(tmp_path)
    installation.admin_token(tmp_path)

    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("secret", "admin-token")} == {0o600}


def test_token_of_the_settings_wins_and_is_not_written(tmp_path: Path) -> None:
    """A configured token is used as it is and stays out of the data directory."""
    assert installation.admin_token(tmp_path, "given") == "given"
    assert not (tmp_path / "admin-token").exists()


def test_directory_that_cannot_be_made_is_a_setup_error(tmp_path: Path) -> None:
    """A data directory under a file is refused with the reason."""
    (tmp_path / "file").write_text("")

    with pytest.raises(SetupError, match="cannot keep secret"):
        installation.secret(tmp_path / "file" / "data")


@pytest.mark.parametrize(
    ("name", "content"), [("secret", "zz"), ("secret", ""), ("secret", "00ff"), ("admin-token", "")]
)
def test_a_damaged_file_is_said_and_never_used(tmp_path: Path, name: str, content: str) -> None:
    """An empty token would open the admin listener, an empty secret would make hashes that anybody can guess."""
    (tmp_path / name).write_text(content)

    with pytest.raises(SetupError, match=name):
        (installation.secret if name == "secret" else installation.admin_token)(tmp_path)
