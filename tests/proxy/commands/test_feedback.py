"""`backtalk feedback`: what it sends and says."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.commands.feedback import unknown
from backtalk.testing import stories
from backtalk.testing.batch_door import ListeningDoor, batch_door
from backtalk.testing.ledgers import write_facts

FILE = "trace_id,resolved,stars\n" + "".join(f"{n:032x},true,{n % 5}\n" for n in range(1, 6)) + f"{9:032x},refuse,\n"


@pytest.fixture
def listening() -> Iterator[ListeningDoor]:
    """A running door that takes everything."""
    with batch_door() as door:
        yield door


def run(*arguments: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(main, ["feedback", *arguments], catch_exceptions=False)


def imported(listening: ListeningDoor, folder: Path, *more: str) -> Result:
    """The end of an import of the file with two outcomes a row."""
    file = folder / "outcomes.csv"
    file.write_text(FILE)
    columns = ("--outcome", "resolved", "--outcome", "csat=stars")
    return run("import", str(file), *columns, "--url", listening.url, "--data-dir", str(folder), *more)


def test_a_file_is_sent_and_reported(listening: ListeningDoor, tmp_path: Path) -> None:
    """What was refused stands in a file beside it, and the command fails for it."""
    done = imported(listening, tmp_path)
    assert "6 rows: 10 feedback taken, 0 of them known already" in done.output
    assert "1 x value is wrong (line 7)" in done.output
    assert done.exit_code == 1
    [refused] = (tmp_path / "outcomes.csv.refused.jsonl").read_text().splitlines()
    assert json.loads(refused)["line"] == 7
    sent = {(item["metric"], item["value"]) for item in listening.items()}
    assert sent == {("resolved", True), ("resolved", "refuse"), *(("csat", n) for n in range(5))}


def test_the_same_file_again_sends_nothing_and_anew_counts_once(listening: ListeningDoor, tmp_path: Path) -> None:
    """What was acknowledged is written down; without that, the ids tell."""
    imported(listening, tmp_path)
    again = imported(listening, tmp_path)
    assert "0 rows (6 rows were done before)" in again.output
    assert len(listening.bodies) == 1
    anew = imported(listening, tmp_path, "--anew")
    assert "10 feedback taken, 10 of them known already" in anew.output


def test_a_dry_run_keeps_nothing(listening: ListeningDoor, tmp_path: Path) -> None:
    """No progress either: the import behind it sends everything."""
    assert "10 feedback would be taken, nothing was kept" in imported(listening, tmp_path, "--dry-run").output
    assert listening.bodies[0]["dryrun"] is True
    assert not (tmp_path / "imports").exists()


def test_what_names_no_command_is_one_feedback(tmp_path: Path) -> None:
    """`backtalk feedback TARGET --up` is `backtalk feedback send TARGET --up`."""
    for words in (("chatcmpl-9x", "--up"), ("send", "chatcmpl-9x", "--up")):
        found = run(*words, "--url", "http://127.0.0.1:9", "--data-dir", str(tmp_path))
        assert "nothing answers at http://127.0.0.1:9/v1/feedback" in found.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--up"], "say what it is about: backtalk feedback TARGET"),
        (["x", "--outcome", "resolved"], "--outcome must be METRIC=VALUE"),
        (["x", "--up", "--rubric", "right"], "--rubric stands only beside --label"),
        (["x", "--retract", "a" * 32], "--retract takes the id of a feedback and stands alone"),
        (["--retract", "a" * 32, "--up"], "--retract takes the id of a feedback and stands alone"),
        (["--retract", "a" * 32], f"nothing answers at http://127.0.0.1:9/v1/feedback/{'a' * 32}"),
    ],
)
def test_words_that_do_not_go_together_are_refused_before_anything_is_sent(
    words: list[str], told: str, tmp_path: Path
) -> None:
    """With what is wrong and what is allowed."""
    done = run(*words, "--url", "http://127.0.0.1:9", "--data-dir", str(tmp_path))
    assert told in done.output
    assert done.exit_code != 0


def test_a_target_under_which_nothing_is_known_is_told_with_what_it_could_be() -> None:
    """The four keys, and that the API key must be the call's."""
    told = unknown("nonesuch")
    assert "'nonesuch'" in told
    assert all(key in told for key in ("trace id", "x-request-id", "traceparent", "response's own id", "API key"))


@pytest.mark.parametrize("words", [("--map", "value"), ("--set", "=x"), ("--map", "verdict=v")])
def test_a_mapping_that_is_none_is_refused(tmp_path: Path, words: tuple[str, str]) -> None:
    """Before anything is sent."""
    file = tmp_path / "f.csv"
    file.write_text(FILE)
    found = run("import", str(file), *words, "--url", "http://127.0.0.1:9", "--data-dir", str(tmp_path))
    assert found.exit_code == 2


def test_a_mistyped_column_ends_an_import_before_anything_is_sent(tmp_path: Path) -> None:
    """With the columns that there are."""
    file = tmp_path / "f.csv"
    file.write_text(FILE)
    found = run("import", str(file), "--outcome", "resolvd", "--url", "http://127.0.0.1:9", "--data-dir", str(tmp_path))
    assert found.exit_code == 2
    assert "no column resolvd; its columns are trace_id, resolved, stars" in found.output


@pytest.mark.parametrize(("tenant", "status"), [("other", 1), ("acme", 0)])
def test_an_import_of_which_all_is_rejected_fails_and_says_why(
    listening: ListeningDoor, tmp_path: Path, tenant: str, status: int
) -> None:
    """As with a wrong or an empty API key: the door takes it, since a call may come late, and no call fits."""
    call = stories.closed()
    name = "01" * 16
    said = stories.feedback(feedback_id=name, target_trace_id=call.key.trace_id, tenant=tenant)
    write_facts(tmp_path / "ledger", call, said)
    listening.known.add(name)
    file = tmp_path / "f.csv"
    file.write_text(f"trace_id,metric,value,id\n{call.key.trace_id},resolved,true,{name}\n")
    done = run("import", str(file), "--url", listening.url, "--data-dir", str(tmp_path))
    assert done.exit_code == status
    assert ("1 x foreign_tenant: the trace was made with another credential" in done.output) == (status == 1)


def test_a_constant_that_an_outcome_says_itself_is_refused(tmp_path: Path) -> None:
    """As --map and --set of one field are."""
    file = tmp_path / "f.csv"
    file.write_text(FILE)
    words = ("--outcome", "resolved", "--set", "metric=x", "--url", "http://127.0.0.1:9", "--data-dir", str(tmp_path))
    found = run("import", str(file), *words)
    assert (found.exit_code, "metric is given by --set and by --outcome" in found.output) == (2, True)
