"""`backtalk evaluate`: options that cannot be, and two evaluations side by side."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.evaluation.scores import CaseScores, Scores, summed, write_scores
from backtalk.testing.exams import build_exam

NEEDED = ("--model", "small", "--base-url", "http://127.0.0.1:1/v1")


def run(*words: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(main, ["evaluate", *words], catch_exceptions=False)


def wrote(folder: Path, model: str, *values: float | None) -> str:
    """An evaluation in a folder."""
    cases = tuple(
        CaseScores(f"{n:064x}", n, n, {"exact": value}, error="503" if value is None else None)
        for n, value in enumerate(values)
    )
    folder.mkdir()
    errors = sum(value is None for value in values)
    write_scores(folder, Scores("d1", "exam", model, "http://x", {}, None, summed(("exact",), cases), errors, cases))
    return str(folder)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--scorer", "bleu"), "no scorer is called 'bleu'; there are: exact, includes"),
        (("--scorer", "judge"), "a judge's model go together"),
        (("--param", "temperature=hot"), "--param temperature must be JSON"),
        (("--schema", "no-such-file"), "is no JSON Schema"),
        (("--judge-model", "big", "--judge-prompt", "no-such-file"), "the judge's prompt no-such-file cannot be read"),
        (("--key-env", "NO_SUCH_KEY"), "NO_SUCH_KEY"),
        ((), "pip install 'backtalk[evaluation]'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_asked(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    """In one sentence, with status 2."""
    build_exam(tmp_path)
    result = run("run", "exam", *NEEDED, "--out", str(tmp_path / "out"), "--data-dir", str(tmp_path), *words)
    assert (result.exit_code, why in result.output) == (2, True), result.output


def test_an_unknown_dataset_is_refused_with_those_there_are(tmp_path: Path) -> None:
    """A typing error is seen at once."""
    build_exam(tmp_path)
    result = run("run", "exma", *NEEDED, "--out", str(tmp_path / "out"), "--data-dir", str(tmp_path))
    assert "there are: exam" in result.output


def test_somebody_elses_broken_dataset_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Its manifest names what it has; what it has is no Parquet, of which the reader panics."""
    folder = build_exam(tmp_path)
    (part,) = (folder / "rows").iterdir()
    broken = part.read_bytes()[:4] + bytes(400) + part.read_bytes()[404:]
    before, after = sha256(part.read_bytes()).hexdigest(), sha256(broken).hexdigest()
    for file, content in (
        (part, broken),
        (folder / "manifest.json", (folder / "manifest.json").read_bytes().replace(before.encode(), after.encode())),
    ):
        file.chmod(0o600)
        file.write_bytes(content)
    result = run("run", str(folder), *NEEDED, "--out", str(tmp_path / "out"), "--data-dir", str(tmp_path))
    assert (result.exit_code, "holds no cases as a build writes them" in result.output) == (2, True), result.output
    assert not (tmp_path / "out").exists()


def test_two_evaluations_are_compared(tmp_path: Path) -> None:
    """For a person and as JSON; cases without an answer stand apart."""
    old = wrote(tmp_path / "old", "small", *(0.0 for _ in range(12)))
    new = wrote(tmp_path / "new", "tuned", *(1.0 for _ in range(11)), None)
    said = run("compare", old, new).output
    assert "tuned against small: 12 cases of both; candidate error 1" in said
    assert "better" in said
    found = json.loads(run("compare", old, new, "--json").output)
    assert (found["scorers"]["exact"]["wins"], found["verdicts"]) == (11, {"exact": "better"})
    assert run("compare", old, str(tmp_path)).exit_code == 2
