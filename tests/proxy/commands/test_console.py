"""`backtalk console`: the address, or why there is none."""

from pathlib import Path

from click.testing import CliRunner

from backtalk.cli import main


def run(data_dir: Path) -> tuple[int, str]:
    """The command's status and what it prints."""
    result = CliRunner().invoke(main, ["console", "--data-dir", str(data_dir)])
    return result.exit_code, result.output


def test_without_an_installation_the_message_says_what_to_start(tmp_path: Path) -> None:
    """An address that nothing serves would only confuse."""
    status, said = run(tmp_path)
    assert status == 2
    assert "start `backtalk serve` there" in said


def test_no_address_is_printed_when_nobody_answers(tmp_path: Path) -> None:
    """The token is there, but no process listens; the token is not printed beside a failure."""
    (tmp_path / "admin-token").write_text("secret-token")
    status, said = run(tmp_path)
    assert status != 0
    assert "secret-token" not in said
