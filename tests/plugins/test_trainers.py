"""The trainers that come along: a command, and a service with OpenAI's fine-tuning API."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from backtalk.errors import SetupError
from backtalk.plugin import Trained, TrainingFailedError, TrainingJob
from backtalk.plugin.discovery import load_trainer
from backtalk.testing.fine_tuning import FineTuning, running_fine_tuning
from backtalk.testing.trainers import check_trainer
from backtalk.testing.waiting import wait_until
from backtalk_trainers import Command, OpenAi

SFT = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}]}
DPO = {
    "input": {"messages": SFT["messages"][:1]},
    "preferred_output": SFT["messages"][1:],
    "non_preferred_output": [{"role": "assistant", "content": "What?"}],
}
SCRIPT = """
import json, os, pathlib, sys
job = json.loads(pathlib.Path(os.environ["BACKTALK_JOB"]).read_text())
assert sys.argv[1:] == [job["dataset"], job["artefact"]]
assert sys.argv[1:] == [os.environ["BACKTALK_DATASET"], os.environ["BACKTALK_ARTEFACT"]]
print("epoch 1 of", job["settings"]["settings"]["epochs"], flush=True)
pathlib.Path(job["artefact"], "weights").write_text("w")
pathlib.Path(job["artefact"], "metrics.json").write_text(json.dumps({"loss": 0.5, "note": "x"}))
"""


def dataset(tmp_path: Path, *, lines: int = 12) -> Path:
    """A dataset's folder with both formats."""
    folder = tmp_path / "dataset"
    for name, line in (("openai_sft", SFT), ("openai_preference", DPO)):
        (folder / name).mkdir(parents=True)
        for split in ("train", "test"):
            (folder / name / f"{split}.jsonl").write_text(f"{json.dumps(line)}\n" * lines, encoding="utf-8")
    return folder


def a_job(tmp_path: Path, **settings: Any) -> TrainingJob:
    """A job with a folder of its own."""
    return TrainingJob(dataset(tmp_path), "0f3a9c1d22b47e65", tmp_path / "tuned-1", settings)


def python(script: str) -> list[str]:
    """A command that runs this."""
    return [sys.executable, "-c", script, "{dataset}", "{artefact}"]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[FineTuning]:
    """A service; its key is in a variable."""
    monkeypatch.setenv("TUNING_KEY", "sk-tuning")
    with running_fine_tuning() as running:
        yield running


def tuning(service: FineTuning, **settings: Any) -> dict[str, Any]:
    """Settings of a job at this service."""
    return {"model": "small", "base_url": service.url, "api_key_env": "TUNING_KEY", "poll_s": 0.01, **settings}


def test_both_are_found_by_name_and_their_settings_are_checked_before_a_job() -> None:
    """What is missing is named."""
    assert load_trainer("command", {}, {"command": ["true"]}).name == "command"
    with pytest.raises(SetupError, match="the trainer command: command: Field required"):
        load_trainer("command", {}, {})
    with pytest.raises(SetupError, match="the trainer openai: model"):
        load_trainer("openai", {}, {})


def test_a_command_trains(tmp_path: Path) -> None:
    """It conforms; figures are the numbers that it wrote; said again, the job is not run again."""
    job = a_job(tmp_path, command=python(SCRIPT), settings={"epochs": 2}, model="tuned")
    trained = check_trainer(Command(), job)
    assert (trained.artefact, trained.model, trained.metrics) == (str(job.artefact), "tuned", {"loss": 0.5})
    assert (job.artefact / "train.log").read_text(encoding="utf-8") == "epoch 1 of 2\n"
    lines: list[str] = []
    assert Command().train(job, lines.append) == trained
    assert lines == ["trained before; taken as it is"]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (python("print('no GPU'); raise SystemExit(3)"), "ended with 3: no GPU"),
        (["/no/such/program"], "ended with 127"),
        (python("import pathlib, sys; pathlib.Path(sys.argv[2], 'metrics.json').write_text('[1]')"), "numbers"),
    ],
)
def test_a_command_that_fails_says_why(tmp_path: Path, command: list[str], why: str) -> None:
    """By its last lines."""
    with pytest.raises(TrainingFailedError, match=why):
        Command().train(a_job(tmp_path, command=command), lambda _: None)


@pytest.mark.parametrize("way", [{}, {"start_new_session": True}])
def test_what_a_command_leaves_behind_is_not_waited_for(tmp_path: Path, way: dict[str, bool]) -> None:
    """It holds the output open; the command itself is done, and its last line is kept."""
    script = f"import subprocess; p = subprocess.Popen(['sleep', '100'], **{way}); print('done', p.pid)"
    job = a_job(tmp_path, command=python(script), timeout_s=60)
    lines: list[str] = []
    assert Command().train(job, lines.append).metrics == {}
    [(word, pid)] = [line.split() for line in lines]
    assert word == "done"
    if way:
        os.kill(int(pid), signal.SIGKILL)  # it left the group, so it is its owner's


def test_what_a_command_started_ends_with_its_time(tmp_path: Path) -> None:
    """The whole group, however deep."""
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
    lines: list[str] = []
    with pytest.raises(TrainingFailedError, match=r"ended after 0\.5 s"):
        Command().train(a_job(tmp_path, command=python(script), timeout_s=0.5), lines.append)
    wait_until(lambda: not lines or not _lives(int(lines[0])), 5, what="the end of the grandchild")


KILLED = """
import sys
from pathlib import Path
from backtalk.plugin import TrainingJob
from backtalk_trainers import Command
dataset, artefact, *command = sys.argv[1:]
Command().train(TrainingJob(Path(dataset), "d", Path(artefact), {"command": command}), print)
"""


def test_a_training_ends_with_whoever_asked_for_it(tmp_path: Path) -> None:
    """A killed one ends nothing itself, and what runs on would meet the next attempt in the same folder."""
    script = (
        "import os, pathlib, subprocess, sys; p = subprocess.Popen(['sleep', '600']);"
        "print('pids', os.getpid(), p.pid, flush=True); p.wait()"
    )
    words = [sys.executable, "-uc", KILLED, str(dataset(tmp_path)), str(tmp_path / "tuned"), sys.executable, "-c"]
    with subprocess.Popen([*words, script], stdout=subprocess.PIPE, text=True) as asker:
        assert asker.stdout is not None
        word, *pids = asker.stdout.readline().split()
        family = [int(pid) for pid in pids]
        assert (word, len(family), all(map(_lives, family))) == ("pids", 2, True)
        asker.kill()
    wait_until(lambda: not any(map(_lives, family)), 20, what="the end of the command and its child")


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_log_and_each_line_are_bounded(tmp_path: Path) -> None:
    """A command may say whatever it likes, without line ends too."""
    script = "import sys; sys.stdout.write('x' * 100_000 + '\\n\\x1b[31mred\\n')"
    job = a_job(tmp_path, command=python(script), log_limit_bytes=1000)
    lines: list[str] = []
    Command().train(job, lines.append)
    assert (job.artefact / "train.log").stat().st_size == 1000
    assert max(map(len, lines)) <= 500
    assert all(line.isprintable() for line in lines)


def test_a_service_trains(tmp_path: Path, service: FineTuning) -> None:
    """It conforms, tells the key to nobody, and the model is the service's."""
    job = a_job(tmp_path, **tuning(service, validation_split="test", suffix="seven", hyperparameters={"n_epochs": 1}))
    trained = check_trainer(OpenAi(), job, secrets=("sk-tuning",))
    assert (trained.artefact, trained.model) == ("ft:small:ftjob-1", "ft:small:ftjob-1")
    assert trained.metrics == {"step": 1, "train_loss": 0.25, "trained_tokens": 120}
    [made] = service.jobs.values()
    assert (made["training_file"], made["validation_file"], made["suffix"]) == ("file-1", "file-2", "seven")
    assert made["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}}
    assert {key for _, _, key in service.requests} == {"Bearer sk-tuning"}


def test_preferences_train_by_dpo(tmp_path: Path, service: FineTuning) -> None:
    """With their own format."""
    OpenAi().train(a_job(tmp_path, **tuning(service, method="dpo")), lambda _: None)
    assert service.jobs["ftjob-1"]["method"] == {"type": "dpo"}
    assert service.files["file-1"][0] == DPO


def test_the_official_client_sends_the_same(tmp_path: Path, service: FineTuning) -> None:
    """To the same paths, with the same fields; the service takes both."""
    OpenAi().train(a_job(tmp_path, **tuning(service)), lambda _: None)
    with openai.OpenAI(base_url=service.url, api_key="sk-tuning", max_retries=0) as client:
        with (tmp_path / "dataset/openai_sft/train.jsonl").open("rb") as lines:
            file = client.files.create(file=lines, purpose="fine-tune")
        job = client.fine_tuning.jobs.create(
            model="small", training_file=file.id, method={"type": "supervised"}, metadata={"backtalk_job": "x"}
        )
        assert client.fine_tuning.jobs.retrieve(job.id).status == "validating_files"
        assert client.fine_tuning.jobs.list_events(job.id).data[0].data == {"step": 1, "train_loss": 0.25}
        assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
    ours, theirs = service.jobs.values()
    assert {*ours} - {"trained_tokens"} == {*theirs}
    assert service.files["file-1"] == service.files["file-2"]


def test_too_few_lines_are_refused_in_the_services_words(tmp_path: Path, service: FineTuning) -> None:
    """No job is made."""
    job = a_job(tmp_path, **tuning(service))
    (job.dataset / "openai_sft/train.jsonl").write_text(json.dumps(SFT) + "\n", encoding="utf-8")
    with pytest.raises(TrainingFailedError, match="refused with 400: The training file has 1 examples"):
        OpenAi().train(job, lambda _: None)
    with pytest.raises(TrainingFailedError, match="build it with the format openai_sft"):
        OpenAi().train(a_job(tmp_path / "b", **tuning(service, split="no-such")), lambda _: None)


@pytest.mark.parametrize("ending", ["failed", "cancelled"])
def test_a_job_that_ends_otherwise_is_no_model(tmp_path: Path, service: FineTuning, ending: str) -> None:
    """With the service's reason."""
    service.statuses = ["running", ending]
    with pytest.raises(TrainingFailedError, match=f"ftjob-1 ended as {ending}"):
        OpenAi().train(a_job(tmp_path, **tuning(service)), lambda _: None)


@pytest.mark.parametrize("name", ["--help", "x; rm -rf ~", "a b", "x" * 300, "\ud800"])
def test_a_name_that_is_none_reaches_no_command(tmp_path: Path, service: FineTuning, name: str) -> None:
    """The name stands in the command that serves the model."""
    service.tuned = name
    with pytest.raises(TrainingFailedError, match="its model has no name") as failed:
        OpenAi().train(a_job(tmp_path, **tuning(service)), lambda _: None)
    assert str(failed.value).isprintable()


def test_an_address_with_a_secret_is_refused() -> None:
    """It would stand in the lineage of every run."""
    for url in ("https://ada:secret@tuning.example/v1", "https://tuning.example/v1?key=secret"):
        with pytest.raises(SetupError, match="base_url"):
            load_trainer("openai", {}, {"model": "small", "base_url": url})


def test_an_outage_is_waited_out_and_a_long_one_is_said(tmp_path: Path, service: FineTuning) -> None:
    """Then the same job goes on: nothing is uploaded or paid for again."""
    service.away = 3
    job = a_job(tmp_path, **tuning(service, outage_s=0.05))
    lines: list[str] = []
    assert OpenAi().train(job, lines.append).model == "ft:small:ftjob-1"
    assert any("the service is away: 503" in line for line in lines)
    service.away = 1_000
    with pytest.raises(TrainingFailedError, match="say the same job again"):
        OpenAi().train(job, lambda _: None)
    service.away = 0
    assert OpenAi().train(job, lambda _: None).model == "ft:small:ftjob-1"
    assert (len(service.jobs), len(service.files)) == (1, 1)


def test_a_job_whose_answer_was_lost_is_found_by_its_mark(tmp_path: Path, service: FineTuning) -> None:
    """It was made, and is paid for."""
    service.lost = 1
    assert OpenAi().train(a_job(tmp_path, **tuning(service)), lambda _: None).model == "ft:small:ftjob-1"
    assert len(service.jobs) == 1


PROGRAM = """
import json, sys, pathlib
from backtalk.plugin import TrainingJob
from backtalk_trainers import OpenAi
dataset, artefact, settings = sys.argv[1:]
job = TrainingJob(pathlib.Path(dataset), "0f3a9c1d22b47e65", pathlib.Path(artefact), json.loads(settings))
print(OpenAi().train(job, lambda _: None).model)
"""


@pytest.mark.parametrize(("number", "left"), [(signal.SIGKILL, "running"), (signal.SIGINT, "cancelled")])
def test_a_kill_leaves_the_job_and_an_interrupt_cancels_it(
    tmp_path: Path, service: FineTuning, number: signal.Signals, left: str
) -> None:
    """After a kill the same job is waited for and nothing is paid twice."""
    service.statuses = ["running"]
    job = a_job(tmp_path, **tuning(service))
    words = [str(job.dataset), str(job.artefact), json.dumps(job.settings)]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, *words], stderr=subprocess.DEVNULL)
    wait_until(lambda: any(one["looks"] > 2 for one in service.jobs.values()), 30, what="a job that runs")
    os.kill(process.pid, number)
    process.wait(30)
    assert service.jobs["ftjob-1"]["status"] == left
    if number == signal.SIGKILL:
        service.statuses = ["succeeded"]
        trained = OpenAi().train(job, lambda _: None)
        assert isinstance(trained, Trained)
        assert (trained.model, len(service.jobs), len(service.files)) == ("ft:small:ftjob-1", 1, 1)


def test_a_folder_belongs_to_one_job(tmp_path: Path) -> None:
    """Another job's model is never taken for this one's."""
    job = a_job(tmp_path, command=["true"])
    Command().train(job, lambda _: None)
    with pytest.raises(TrainingFailedError, match="holds another job"):
        Command().train(TrainingJob(job.dataset, "ffff", job.artefact, job.settings), lambda _: None)
