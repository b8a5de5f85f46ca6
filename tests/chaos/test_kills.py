"""Kill any process at any moment while calls and feedback run: nothing acknowledged is lost, nothing is doubled.

Real processes, real SIGKILLs. What was acknowledged: feedback by its 202; a call by its last byte having come 100 ms
before its proxy was killed. Read back from the ledger's raw rows and from the journal.
"""

import contextlib
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from backtalk import clock
from backtalk.ledger.reader import LedgerReader
from backtalk.model.facts import CallClosed, CallOpened, Fact, FeedbackGiven, SignalFound, decode_entry
from backtalk.spool import Tail
from backtalk.testing.provider import running_provider
from backtalk.testing.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

KINDS = {"proxy": b"_child\0proxy", "worker": b"_child\0worker", "valkey": b"-server"}
SAFE_NS = 100 * clock.NS_PER_MS


class Call(NamedTuple):
    """A call whose last byte the client has."""

    key: str
    began_ns: int
    ended_ns: int


class Serving:
    """A running `backtalk serve` and what its clients were told."""

    def __init__(self, process: "subprocess.Popen[str]", data_dir: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self.data_dir = data_dir
        found = re.search(r"(http://[\d.]+:\d+)", process.stdout.readline())
        assert found is not None
        self.public = urlsplit(found[1]).netloc
        self.calls: list[Call] = []
        self.feedback: list[str] = []
        self.kills: list[tuple[str, int]] = []
        self.stopping = threading.Event()

    def pid(self, kind: str) -> int:
        """A running process of a kind; 0 where there is none now."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        for pid in children.split():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
                if KINDS[kind] in words and b"-S\0-c" not in words:
                    return int(pid)
        return 0

    def kill(self, kind: str) -> None:
        """Kill a process of this kind, as soon as there is one."""
        pid = wait_until(lambda: self.pid(kind), 20, what=f"a running {kind}")
        self.kills.append((kind, clock.monotonic_ns()))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes] | None:
        """One request on a connection of its own; None where it was cut."""
        connection = http.client.HTTPConnection(self.public, timeout=10)
        try:
            connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def converse(self, lane: int) -> None:
        """Ask, go on with an edited answer, and say what both were worth, until told to stop."""
        for number in range(1_000_000):
            if self.stopping.is_set():
                return
            asked = [{"role": "user", "content": f"Question {number} of lane {lane}: what is to be said of it?"}]
            edited = {"role": "assistant", "content": f"Of question {number} of {lane} nothing at all is to be said."}
            following = {"role": "user", "content": "Thank you, and what else is there?"}
            for messages in (asked, [*asked, edited, following]):
                request_id = self.call({"model": "scripted", "messages": messages})
                if request_id is not None:
                    self.say(request_id)

    def call(self, body: dict[str, Any]) -> str | None:
        """One call; its id where it came whole."""
        began_ns = clock.monotonic_ns()
        answer = self.post("/v1/chat/completions", body)
        if answer is None or answer[0] != 200:
            return None
        self.calls.append(Call(answer[1]["x-request-id"], began_ns, clock.monotonic_ns()))
        return answer[1]["x-request-id"]

    def say(self, request_id: str) -> None:
        """Give a thumb down; note it where it was acknowledged."""
        answer = self.post("/v1/feedback", {"kind": "rating", "value": False, "request_id": request_id})
        if answer is not None and answer[0] == 202:
            self.feedback.append(json.loads(answer[2])["feedback_id"])

    def run(self, kills: int, seed: int) -> None:
        """Let clients talk while processes are killed at random."""
        chance = random.Random(seed)  # noqa: S311 -- when and whom to kill is no secret
        lanes = [threading.Thread(target=self.converse, args=(lane,)) for lane in range(3)]
        for lane in lanes:
            lane.start()
        try:
            for number in range(kills):
                kind = list(KINDS)[number % 3] if number < 3 else chance.choice(list(KINDS))
                threading.Event().wait(chance.uniform(0.1, 1.2))
                said = len(self.calls)
                self.kill(kind)
                wait_until(lambda n=said: len(self.calls) > n, 30, what="calls after a kill")  # type: ignore[misc]
        finally:
            self.stopping.set()
            for lane in lanes:
                lane.join(30)

    def stop(self) -> None:
        """End it as an operator does."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(40) == 0


Begin = Callable[[], Serving]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts `backtalk serve` in front of the scripted provider."""
    started: list[subprocess.Popen[str]] = []
    with running_provider() as provider, (tmp_path / "log").open("w") as log:

        def begin() -> Serving:
            options = ["--upstream", provider.url, "--port", "0", "--admin-port", "0", "--data-dir", tmp_path / "data"]
            words = [sys.executable, "-m", "backtalk", "serve", *map(str, options)]
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, cwd=tmp_path)
            started.append(process)
            return Serving(process, tmp_path / "data")

        yield begin
        for process in started:
            process.kill()
            process.communicate()


def facts(data_dir: Path) -> list[Fact]:
    """Everything the journal holds."""
    found: list[Fact] = []
    with Tail(data_dir / "journal") as tail:
        while records := tail.read():
            for record in records:
                found.extend(decode_entry(record.payload).facts)
    return found


def doubled(items: Sequence[object]) -> list[object]:
    """What is there more than once."""
    return [item for item, count in Counter(items).items() if count > 1]


def acknowledged_calls(serving: Serving) -> set[str]:
    """Calls that no kill of a proxy met while they ran or within 100 ms of their last byte."""
    kills = [at for kind, at in serving.kills if kind == "proxy"]
    return {c.key for c in serving.calls if not any(c.began_ns <= at < c.ended_ns + SAFE_NS for at in kills)}


def missing(serving: Serving, ledger: LedgerReader) -> set[str]:
    """What was acknowledged and is not in the ledger."""
    calls = ledger.everything("calls", order="opened_ns")
    completed = {f"{row['trace_id']}-{row['span_id']}" for row in calls if row["outcome"] == "completed"}
    feedback = {row["feedback_id"] for row in ledger.everything("feedback", order="given_ns")}
    return (acknowledged_calls(serving) - completed) | (set(serving.feedback) - feedback)


def check_ledger(serving: Serving) -> None:
    """Everything acknowledged is in the ledger, once."""
    ledger = LedgerReader(serving.data_dir / "ledger")
    assert missing(serving, ledger) == set()
    calls = ledger.everything("calls", order="opened_ns")
    assert doubled([(row["trace_id"], row["span_id"]) for row in calls]) == []
    assert doubled([row["feedback_id"] for row in ledger.everything("feedback", order="given_ns")]) == []
    signals = ledger.everything("signals", order="found_ns")
    assert doubled([row["signal_id"] for row in signals if row["signal_id"]]) == []
    assert [row for row in signals if row["kind"] == "assistant_edit"]


def check_journal(serving: Serving) -> None:
    """No fact was decided twice."""
    all_facts = facts(serving.data_dir)
    assert doubled([fact.key for fact in all_facts if isinstance(fact, CallOpened)]) == []
    assert doubled([fact.key for fact in all_facts if isinstance(fact, CallClosed)]) == []
    assert doubled([fact.feedback_id for fact in all_facts if isinstance(fact, FeedbackGiven)]) == []
    found = [fact for fact in all_facts if isinstance(fact, SignalFound)]
    assert doubled([fact.signal_id for fact in found]) == []
    assert doubled([(fact.kind, fact.about, fact.shown_by, fact.detector) for fact in found]) == []


def check_kills(begin: Begin, *, kills: int, seed: int) -> None:
    """Run, kill, and read everything back."""
    serving = begin()
    wait_until(lambda: serving.call({"model": "m", "messages": [{"role": "user", "content": "Up?"}]}), 10)
    serving.run(kills, seed)
    ledger = LedgerReader(serving.data_dir / "ledger")
    with contextlib.suppress(TimeoutError):  # what is then still missing is named below
        wait_until(lambda: not missing(serving, ledger), 30)
    serving.stop()
    check_ledger(serving)
    check_journal(serving)


@pytest.mark.chaos
@pytest.mark.timeout(170)
def test_ten_kills_lose_and_double_nothing(begin: Begin) -> None:
    """Proxy, worker and Valkey in turn and at random, in under a minute."""
    check_kills(begin, kills=10, seed=7)


@pytest.mark.chaos
@pytest.mark.timeout(3500)
@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_kills_lose_and_double_nothing(begin: Begin, seed: int) -> None:
    """The same, for long."""
    check_kills(begin, kills=50, seed=seed)
