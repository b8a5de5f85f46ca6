"""The command: pleasant to read, clear when it refuses."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from backtalk import __version__
from backtalk.cli import main


@pytest.mark.parametrize("command", ["serve", "worker", "demo", "traces", "feedback", "doctor", "dataset", "version"])
def test_help_names_every_command(command: str) -> None:
    """`backtalk --help` shows the whole product."""
    assert f"  {command}  " in CliRunner().invoke(main, ["--help"]).output


def test_help_hides_what_is_not_for_people() -> None:
    """The processes of `serve` are no commands of a person's."""
    assert "_child" not in CliRunner().invoke(main, ["--help"]).output


def test_the_command_starts_light() -> None:
    """`serve` has its processes running before anything heavy is loaded: each command imports what it needs."""
    code = "import sys, backtalk.cli; print([n for n in ('rich', 'asyncio', 'ssl', 'deltalake') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_version_is_the_packages() -> None:
    """`backtalk version` prints one line."""
    assert CliRunner().invoke(main, ["version"]).output == f"backtalk {__version__}\n"


def test_unknown_setting_is_refused_with_the_nearest(tmp_path: Path) -> None:
    """A typing error in the file ends with status 2 and the name that was meant."""
    file = tmp_path / "backtalk.toml"
    file.write_text("[relay]\nidle_timeout = 3\n")

    result = CliRunner().invoke(main, ["doctor", "--config", str(file)])

    assert result.exit_code == 2
    assert "unknown setting relay.idle_timeout (did you mean relay.idle_timeout_s?)" in result.output


@pytest.mark.parametrize("words", [["--data-dir", "{}", "show", "0" * 32], ["show", "0" * 32, "--data-dir", "{}"]])
def test_data_directory_is_taken_before_and_after_show(tmp_path: Path, words: list[str]) -> None:
    """`traces show` takes the options of every other command, and those given to `traces`."""
    result = CliRunner().invoke(main, ["traces", *(word.format(tmp_path) for word in words)])

    assert f"no admin token in {tmp_path}" in result.output


def test_traces_without_a_running_backtalk_says_so(tmp_path: Path) -> None:
    """No token means nothing runs there; the sentence says what to do."""
    result = CliRunner().invoke(main, ["traces", "--data-dir", str(tmp_path)])

    assert result.exit_code == 2
    assert "backtalk serve" in result.output
