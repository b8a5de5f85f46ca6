"""Kill any process at any moment while calls and feedback run: nothing acknowledged is lost, nothing is doubled.

Real processes, real SIGKILLs. Every feedback has an idempotency key and is sent again where no answer came, and at
times where one did. What was acknowledged: feedback by its 202 or 200, and with it the call that had ended before: one
proxy writes one file in order, so a sync covers all before it. No claim depends on how long anything takes. Read back
from the ledger's raw rows and from the journal; spools are kept by hard links, so that a failure says what they held.
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
from backtalk.model.facts import CallClosed, CallOpened, Fact, FeedbackGiven, SessionLinked, SignalFound, decode_entry
from backtalk.model.frames import AnyFrame, Feedback, Heartbeat, Replayed, decode
from backtalk.spool import Tail
from backtalk.testing.provider import running_provider
from backtalk.testing.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

KINDS = {"proxy": b"_child\0proxy", "worker": b"_child\0worker", "admin": b"_child\0admin", "valkey": b"-server"}
PATIENCE_S = 60.0


class Call(NamedTuple):
    """A call whose last byte the client has."""

    key: str
    began_ns: int


class Said(NamedTuple):
    """A feedback that was acknowledged, on a call that had ended before."""

    feedback_id: str
    call: Call
    acknowledged_ns: int


class Kill(NamedTuple):
    """A kill: somewhere between the two instants the process ended."""

    kind: str
    before_ns: int
    after_ns: int


class Serving:
    """A running `backtalk serve` and what its clients were told."""

    def __init__(self, process: "subprocess.Popen[str]", data_dir: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self.data_dir = data_dir
        found = re.search(r"(http://[\d.]+:\d+)", process.stdout.readline())
        assert found is not None
        self.public = urlsplit(found[1]).netloc
        self.spools = data_dir.with_name("spools")
        self.calls: list[Call] = []
        self.feedback: list[Said] = []
        self.told: list[list[str]] = []
        """The ids that each feedback was answered with, once for each time that it was acknowledged."""
        self.sent: Counter[str] = Counter()
        """How often the feedback of each id was sent."""
        self.kills: list[Kill] = []
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
        pid = wait_until(lambda: self.pid(kind), PATIENCE_S, what=f"a running {kind}")
        self.keep_spools()
        before_ns = clock.monotonic_ns()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.pid(kind) != pid, PATIENCE_S, what=f"the end of a killed {kind}")
        self.kills.append(Kill(kind, before_ns, clock.monotonic_ns()))

    def keep_spools(self) -> None:
        """Link every segment to a second name: it stays, and grows, whatever the worker deletes."""
        for segment in (self.data_dir / "spool").glob("*/*.seg"):
            kept = self.spools / segment.parent.name / segment.name
            kept.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                kept.hardlink_to(segment)

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
                call = self.call({"model": "scripted", "messages": messages})
                if call is not None:
                    self.say(call)

    def call(self, body: dict[str, Any]) -> Call | None:
        """One call, where it came whole."""
        began_ns = clock.monotonic_ns()
        answer = self.post("/v1/chat/completions", body)
        if answer is None or answer[0] != 200:
            return None
        call = Call(answer[1]["x-request-id"], began_ns)
        self.calls.append(call)
        return call

    def say(self, call: Call) -> None:
        """Give a thumb down, up to three times; note it where it was acknowledged."""
        body = {"kind": "rating", "value": False, "request_id": call.key, "id": f"vote-{call.key}"}
        answers = [self.post("/v1/feedback", body)]
        while len(answers) < 3 and (answers[-1] is None or int(call.key[-1], 16) % 3 == 0):
            answers.append(self.post("/v1/feedback", body))
        told = [json.loads(answer[2]) for answer in answers if answer is not None and answer[0] in (200, 202)]
        self.told.append([reply["feedback_id"] for reply in told])
        if told:
            self.sent[told[0]["feedback_id"]] += len(answers)
            self.feedback.append(Said(told[0]["feedback_id"], call, clock.monotonic_ns()))

    def run(self, kills: int, seed: int) -> None:
        """Let clients talk while processes are killed at random."""
        chance = random.Random(seed)  # noqa: S311 -- when and whom to kill is no secret
        lanes = [threading.Thread(target=self.converse, args=(lane,)) for lane in range(3)]
        for lane in lanes:
            lane.start()
        try:
            for number in range(kills):
                kind = list(KINDS)[number] if number < len(KINDS) else chance.choice(list(KINDS))
                threading.Event().wait(chance.uniform(0.1, 1.2))
                said = len(self.calls)
                self.kill(kind)
                wait_until(lambda n=said: len(self.calls) > n, PATIENCE_S, what="calls after a kill")  # type: ignore[misc]
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
    """Calls whose feedback was acknowledged by the proxy that had served them: none was killed meanwhile."""
    kills = [kill for kill in serving.kills if kill.kind == "proxy"]
    return {
        said.call.key
        for said in serving.feedback
        if not any(said.call.began_ns <= k.after_ns and k.before_ns <= said.acknowledged_ns for k in kills)
    }


def missing(serving: Serving, ledger: LedgerReader) -> set[str]:
    """What was acknowledged and is not in the ledger."""
    calls = ledger.everything("calls", order="opened_ns")
    completed = {f"{row['trace_id']}-{row['span_id']}" for row in calls if row["outcome"] == "completed"}
    feedback = {row["feedback_id"] for row in ledger.everything("feedback", order="given_ns")}
    return (acknowledged_calls(serving) - completed) | ({said.feedback_id for said in serving.feedback} - feedback)


class Evidence:
    """What spools, journal and ledger hold, to say of something missing where it was lost."""

    def __init__(self, serving: Serving, ledger: LedgerReader) -> None:
        self.serving = serving
        self.frames = [(owner.name, frame) for owner in serving.spools.iterdir() for frame in frames(owner)]
        self.facts = facts(serving.data_dir)
        self.calls = ledger.everything("calls", order="opened_ns")

    def of(self, name: str) -> str:
        """One line about a call or a feedback."""
        said = next(s for s in self.serving.feedback if name in (s.feedback_id, s.call.key))
        kind = "feedback" if name == said.feedback_id else "call"
        span_id = name[-16:]
        spooled = [
            f"{type(frame).__name__} in {owner}" for owner, frame in self.frames if name_of(frame) in (name, span_id)
        ]
        decided = [describe(fact) for fact in self.facts if name in (getattr(fact, "feedback_id", ""), key_of(fact))]
        rows = [row["outcome"] for row in self.calls if f"{row['trace_id']}-{row['span_id']}" == name]
        near = [
            f"{kill.kind} {(kill.before_ns - said.acknowledged_ns) / clock.NS_PER_MS:+.1f} ms"
            for kill in self.serving.kills
            if abs(kill.before_ns - said.acknowledged_ns) < clock.NS_PER_S
        ]
        return f"{kind} {name}: spool {spooled}, journal {decided}, ledger {rows}, kills after its 202 {near}"


def frames(owner: Path) -> list[AnyFrame]:
    """All frames of a spool but its heartbeats."""
    found: list[AnyFrame] = []
    with Tail(owner) as tail:
        while records := tail.read():
            found += [decode(record.payload) for record in records]
    return [frame for frame in found if not isinstance(frame, Heartbeat)]


def name_of(frame: AnyFrame) -> str:
    """What a frame is about: a call's span or a feedback."""
    if isinstance(frame, Feedback):
        return frame.feedback_id
    return "" if isinstance(frame, Heartbeat | Replayed) else frame.span_id


def key_of(fact: Fact) -> str:
    """The key of a call's fact; empty for others."""
    return fact.key.request_id if isinstance(fact, CallOpened | CallClosed) else ""


def describe(fact: Fact) -> str:
    """A fact's kind, and a call's outcome."""
    return f"{type(fact).__name__} {fact.outcome}" if isinstance(fact, CallClosed) else type(fact).__name__


def check_ledger(serving: Serving) -> None:
    """Everything acknowledged is in the ledger, once."""
    ledger = LedgerReader(serving.data_dir / "ledger")
    lost = missing(serving, ledger)
    evidence = Evidence(serving, ledger) if lost else None
    assert [evidence.of(name) for name in sorted(lost) if evidence] == []
    calls = ledger.everything("calls", order="opened_ns")
    assert doubled([(row["trace_id"], row["span_id"]) for row in calls]) == []
    assert [row["feedback_id"] for row in said_more_often(serving, ledger)] == []
    signals = ledger.everything("signals", order="found_ns")
    assert doubled([row["signal_id"] for row in signals if row["signal_id"]]) == []
    assert [row for row in signals if row["kind"] == "assistant_edit"]


def said_more_often(serving: Serving, ledger: LedgerReader) -> list[dict[str, Any]]:
    """Rows of feedback beyond those that clients sent; a repeat that no mark told apart is a row that nobody reads."""
    rows = ledger.everything("feedback", order="given_ns", superseded=True)
    written, read = Counter(row["feedback_id"] for row in rows), ledger.of_kind("feedback", "rating", order="given_ns")
    return [row for row in read if written[row["feedback_id"]] > max(1, serving.sent[row["feedback_id"]])]


def check_repeats(serving: Serving) -> None:
    """Feedback that was acknowledged twice has one id, also where a proxy or Valkey was killed in between."""
    assert [ids for ids in serving.told if len(set(ids)) > 1] == []
    assert [ids for ids in serving.told if len(ids) > 1]


def check_journal(serving: Serving) -> None:
    """No fact was decided twice."""
    all_facts = facts(serving.data_dir)
    assert doubled([fact.key for fact in all_facts if isinstance(fact, CallOpened)]) == []
    assert doubled([fact.key for fact in all_facts if isinstance(fact, CallClosed)]) == []
    given = [fact for fact in all_facts if isinstance(fact, FeedbackGiven)]  # a repeat may stand twice: Valkey was away
    assert doubled([(fact.trace_id, fact.span_id) for fact in given]) == []
    links = [(fact.key, fact.supersedes) for fact in all_facts if isinstance(fact, SessionLinked)]
    assert doubled(links) == []
    found = [fact for fact in all_facts if isinstance(fact, SignalFound)]
    assert doubled([fact.signal_id for fact in found]) == []
    assert doubled([(fact.kind, fact.about, fact.shown_by, fact.detector) for fact in found]) == []


def check_kills(begin: Begin, *, kills: int, seed: int) -> None:
    """Run, kill, and read everything back."""
    serving = begin()
    wait_until(lambda: serving.call({"model": "m", "messages": [{"role": "user", "content": "Up?"}]}), PATIENCE_S)
    serving.run(kills, seed)
    ledger = LedgerReader(serving.data_dir / "ledger")
    with contextlib.suppress(TimeoutError):  # what is then still missing is named below
        wait_until(lambda: not missing(serving, ledger), PATIENCE_S)
    serving.keep_spools()
    serving.stop()
    check_ledger(serving)
    check_repeats(serving)
    check_journal(serving)


@pytest.mark.timeout(400)
def test_ten_kills_lose_and_double_nothing(begin: Begin) -> None:
    """Proxy, worker, admin process and Valkey in turn and at random."""
    check_kills(begin, kills=10, seed=7)


@pytest.mark.chaos
@pytest.mark.timeout(3500)
@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_kills_lose_and_double_nothing(begin: Begin, seed: int) -> None:
    """The same, for long."""
    check_kills(begin, kills=50, seed=seed)
