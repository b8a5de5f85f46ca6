"""`backtalk lineage export`, and what other commands tell exporters at their end."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.settings import bare_environ
from backtalk.testing import stories
from backtalk.testing.annotation_door import annotation_door
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts
from backtalk.testing.waiting import wait_until


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings with a file for events, that no command writes to unasked."""
    return write_config(tmp_path, f'file = "{tmp_path / "events.jsonl"}"')


def write_config(tmp_path: Path, place: str, lineage: str = "") -> Path:
    """Settings that say where OpenLineage goes."""
    path = tmp_path / "backtalk.toml"
    text = f'data_dir = "{tmp_path / "data"}"\n[plugin.openlineage]\n{place}\n[lineage]\n{lineage}\n'
    path.write_text(text, encoding="utf-8")
    return path


def run(config: Path, *words: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(main, [*words, "--config", str(config)], catch_exceptions=False)


def register(config: Path, name: str) -> Result:
    """Register a dataset."""
    return run(config, "dataset", "register", str(write_dataset(config.parent / "out", name, [a_row(name)])))


def jobs(tmp_path: Path) -> list[str]:
    """The jobs of the events in the file."""
    file = tmp_path / "events.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [json.loads(line)["job"]["name"] for line in lines if '"COMPLETE"' in line]


def test_everything_is_sent_once_and_what_came_since(config: Path, tmp_path: Path) -> None:
    """By name, without a setting; a second time there is nothing to send."""
    register(config, "pairs")
    run(config, "run", "register", "tune", "--dataset", "pairs", "--metric", "loss=0.5")
    assert jobs(tmp_path) == []
    first = run(config, "lineage", "export", "--to", "openlineage")
    assert (first.exit_code, first.output) == (0, "openlineage: 2 records sent\n")
    assert run(config, "lineage", "export", "--to", "openlineage").output == "openlineage: 0 records sent\n"
    run(config, "ref", "set", "production", "run=tune", "--reason", "good")
    run(config, "lineage", "export", "--to", "openlineage")
    assert jobs(tmp_path) == ["dataset.pairs", "training.tune", "ref.production"]
    assert run(config, "lineage", "export", "--to", "openlineage", "--since", "2020-01-01").output[13:14] == "3"


def test_without_a_name_one_has_to_be_named(config: Path) -> None:
    """With those that there are; one that there is not is refused."""
    found = run(config, "lineage", "export")
    assert (found.exit_code, "installed are: mlflow, openlineage" in found.output) == (2, True)
    assert run(config, "lineage", "export", "--to", "nowhere").exit_code == 2


def test_commands_tell_exporters_of_the_settings_at_their_end(tmp_path: Path) -> None:
    """A build, a registration, a run, a ref, the way back and a retirement."""
    config = write_config(tmp_path, f'file = "{tmp_path / "events.jsonl"}"', 'exporters = ["openlineage"]')
    call = stories.closed()
    given = stories.feedback(kind="correction", value_json='"It scatters."', target_trace_id=call.key.trace_id)
    write_facts(tmp_path / "data" / "ledger", call, given)
    built = run(config, "dataset", "build", "dpo", "--out", str(tmp_path / "set"))
    assert "  openlineage: 1 records sent\n" in built.output
    register(config, "pairs")
    run(config, "run", "register", "tune", "--dataset", "set")
    for route in ("one", "two"):
        run(config, "ref", "set", "production", f"route={route}", "--reason", "try")
    run(config, "ref", "rollback", "production", "--reason", "worse")
    assert run(config, "dataset", "retire", "pairs", "--reason", "old").exit_code == 0
    assert jobs(tmp_path) == ["dataset.set", "dataset.pairs", "training.tune", *["ref.production"] * 3]
    written = (tmp_path / "events.jsonl").read_text(encoding="utf-8")
    assert ("backtalk_retirement" in written, "It scatters" in written) == (True, False)


def test_an_outage_is_a_sentence_and_no_failure(tmp_path: Path) -> None:
    """The dataset is registered; a later command sends what waits."""
    with annotation_door() as door:
        config = write_config(tmp_path, f'url = "{door.url}"', 'exporters = ["openlineage"]')
        door.answer = lambda _: (503, {})
        found = register(config, "pairs")
        assert found.exit_code == 0
        assert "1 records wait: HTTPError: HTTP Error 503" in found.output
        assert run(config, "lineage", "export").exit_code == 1
        door.answer = lambda _: None
        assert "2 records sent" in register(config, "others").output
        assert len(door.sent) > 4


def test_a_server_that_says_nothing_is_waited_for_until_the_deadline(tmp_path: Path) -> None:
    """Then the command ends, and says what sends it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = 'exporters = ["openlineage"]\nexport_deadline_s = 0.2'
        found = register(write_config(tmp_path, f'url = "{url}"\ntimeout_s = 30', settings), "pairs")
    assert (found.exit_code, "Not exported within 0.2 s; `backtalk lineage export` sends it" in found.output) == (
        0,
        True,
    )


def test_a_wrong_setting_fails_no_registration(tmp_path: Path) -> None:
    """It is said, and what was registered is."""
    config = write_config(tmp_path, 'url = "ftp://x"', 'exporters = ["openlineage"]')
    found = register(config, "pairs")
    assert (found.exit_code, "Not exported: [plugin.openlineage] url" in found.output) == (0, True)
    assert "pairs" in run(config, "dataset", "list").output


def test_what_a_backend_refuses_is_said(tmp_path: Path) -> None:
    """And is no reason to stop."""
    with annotation_door() as door:
        config = write_config(tmp_path, f'url = "{door.url}"')
        register(config, "pairs")
        door.answer = lambda _: (422, {"error": "no"})
        found = run(config, "lineage", "export", "--to", "openlineage")
    assert (found.exit_code, "openlineage refuses record 1" in found.output) == (0, True)


def test_following_sends_what_comes_until_it_is_stopped(config: Path, tmp_path: Path) -> None:
    """A process of its own, stopped as from a terminal."""
    register(config, "pairs")
    words = ["-m", "backtalk", "lineage", "export", "--to", "openlineage", "--follow", "--config", str(config)]
    with subprocess.Popen(  # the real program
        [sys.executable, *words], env=bare_environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as follower:
        wait_until(lambda: jobs(tmp_path) == ["dataset.pairs"], 30.0, what="the first record")
        register(config, "others")
        wait_until(lambda: jobs(tmp_path) == ["dataset.pairs", "dataset.others"], 30.0, what="the second one")
        os.kill(follower.pid, signal.SIGINT)
