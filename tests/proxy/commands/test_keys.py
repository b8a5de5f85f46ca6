"""`backtalk keys`, as a person types it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.commands.keys import limits_of, seconds
from backtalk.errors import RequestError
from backtalk.virtual_keys import PREFIX, KeyRing, VirtualKey


def keys(directory: Path, *arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, ["keys", *arguments, "--data-dir", str(directory)])


def test_a_key_is_shown_once(tmp_path: Path) -> None:
    """The standard output has the key alone, so that a script can take it; no list shows it or its hash."""
    made = keys(
        tmp_path, "create", "app", "--tenant", "team", "--budget", "2.5", "--model", "gpt-*", "--expires-in", "30d"
    )
    assert made.exit_code == 0
    credential = made.stdout.strip()
    assert credential.startswith(PREFIX)
    found = KeyRing(tmp_path).find(credential)
    assert found is not None
    assert (found.tenant, found.budget_usd, found.models) == ("team", 2.5, ("gpt-*",))
    shown = keys(tmp_path, "list").stdout + keys(tmp_path, "list", "--json").stdout
    assert credential not in shown
    assert found.sha256 not in shown
    assert found.id in shown


def test_a_key_is_revoked_by_its_name(tmp_path: Path) -> None:
    """And a name that is none is an error in one sentence."""
    keys(tmp_path, "create", "app")
    assert keys(tmp_path, "revoke", "app").exit_code == 0
    assert "revoked" in keys(tmp_path, "list").stdout
    missing = keys(tmp_path, "revoke", "app")
    assert missing.exit_code == 2
    assert "there is no key 'app'" in missing.stderr


def test_limits_are_told_in_words(tmp_path: Path) -> None:
    """All of them, in the list."""
    keys(
        tmp_path,
        "create",
        "app",
        "--requests-per-minute",
        "5",
        "--tokens-per-minute",
        "9",
        "--window",
        "hour",
        "--budget",
        "1",
    )
    assert "5 requests/min, 9 tokens/min, 1.0 USD/hour" in keys(tmp_path, "list").stdout
    assert limits_of(VirtualKey("i", "n", "t", "h", 0)) == ""
    (listed,) = json.loads(keys(tmp_path, "list", "--json").stdout)
    assert listed["requests_per_minute"] == 5


@pytest.mark.parametrize(("text", "value"), [("90m", 5400), ("12h", 43_200), ("30d", 2_592_000)])
def test_durations_are_read(text: str, value: int) -> None:
    """Minutes, hours, days."""
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "0d", "30", "-1d", "1w", "1.5h", "9" * 9 + "d"])
def test_other_durations_are_refused(text: str) -> None:
    """With what would be one."""
    with pytest.raises(RequestError, match="write 90m, 12h or 30d"):
        seconds(text)
