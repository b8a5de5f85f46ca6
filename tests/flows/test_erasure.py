"""A person is erased: a canary that was said, answered and given as feedback is searched byte by byte, with kills."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner

from backtalk.cli import main
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.schema import TABLES
from backtalk.lineage import keeping
from backtalk.lineage.verify import verify
from backtalk.model.facts import decode_entry
from backtalk.spool import Tail
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.otlp import HttpReceiver
from backtalk.testing.provider import Provider, running_provider
from backtalk.testing.samples import parquet_columns
from backtalk.testing.serve import Backtalk, ChildKind, running_backtalk
from backtalk.testing.waiting import wait_until

CANARY = "Kanarienvogel-4711"
OTHER = "the weather of tomorrow"
PATIENCE_S = 60.0


def ask(url: str, body: object, **headers: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """One POST as an app makes it."""
    fields = {"content-type": "application/json", "authorization": "Bearer sk-flow", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), fields)  # noqa: S310 -- our own
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return answer.status, {k.lower(): v for k, v in answer.headers.items()}, json.load(answer)


def converse(backtalk: Backtalk, *said: str, user: str, edited: bool = True) -> list[dict[str, str]]:
    """A conversation, each answer corrected by hand before it goes on, or not; gives the answers' headers."""
    messages: list[dict[str, str]] = []
    found: list[dict[str, str]] = []
    for text in said:
        messages.append({"role": "user", "content": text})
        body = {"model": "scripted", "user": user, "messages": messages}
        _, headers, answer = ask(f"{backtalk.url}/v1/chat/completions", body)
        found.append(headers)
        given = answer["choices"][0]["message"]["content"]
        messages.append({"role": "assistant", "content": f"{given} {text}" if edited else given})
    return found


def say(backtalk: Backtalk, body: dict[str, Any]) -> None:
    """Give feedback."""
    assert ask(f"{backtalk.url}/v1/feedback", body)[0] == 202


def holding(backtalk: Backtalk, canary: str = CANARY) -> set[str]:
    """Where below the data directory a text can be read: in which files, tables, entries, and in Redis."""
    root, found = backtalk.data_dir, set[str]()
    for path in root.rglob("*"):
        if path.is_file() and canary.encode() in path.read_bytes():
            found.add(str(path.relative_to(root)))
    reader = LedgerReader(root / "ledger")
    found |= {f"table {name}" for name in TABLES if canary in str(reader.everything(name, order="dt"))}
    with Tail(root / "journal") as tail:
        while records := tail.read():
            found |= {"an entry" for r in records if canary in str(decode_entry(r.payload).facts)}
    server: Any = redis.Redis(unix_socket_path=str(root / "redis" / "valkey.sock"))
    with server as client:
        for name in client.scan_iter():
            if canary.encode() in (client.dump(name) or b"") or canary.encode() in str(_value(client, name)).encode():
                found.add("a Redis key")
    return found


def _value(client: Any, name: bytes) -> Any:
    kind = client.type(name)
    return client.hgetall(name) if kind == b"hash" else b""


def order(backtalk: Backtalk, **asked: str) -> str:
    """Order an erasure over the admin listener."""
    headers = {"authorization": f"Bearer {backtalk.admin_token}"}
    body = {"reason": "asked for by the person", "actor": "a test", **asked}
    status, _, told = ask(f"{backtalk.admin_url}/v1/erasures", body, **headers)
    assert (status, told["status"]) == (202, "ordered")
    return str(told["id"])


def progress(backtalk: Backtalk, erasure_id: str) -> dict[str, Any]:
    """How far an erasure is."""
    status, told = backtalk.admin(f"/v1/erasures/{erasure_id}")
    assert status == 200
    return dict(told)


def is_done(backtalk: Backtalk, erasure_id: str) -> dict[str, Any] | None:
    """The order, once everything is done."""
    told = progress(backtalk, erasure_id)
    return told if told["status"] == "done" else None


def settled(backtalk: Backtalk, headers: dict[str, str]) -> None:
    """Wait until a call is in the ledger with its feedback."""
    reader, trace_id = LedgerReader(backtalk.data_dir / "ledger"), headers["x-trace-id"]
    wait_until(lambda: reader.calls(trace_ids=[trace_id]), PATIENCE_S, what="the call in the ledger")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("killed", [(), ("worker", "proxy", "admin", "worker", "redis", "worker")])
def test_nothing_of_an_erased_user_can_be_read(
    upstream: Provider, tmp_path: Path, killed: tuple[ChildKind, ...]
) -> None:
    """Neither in files nor in tables nor in Redis, whoever is killed meanwhile; others and the numbers stay."""
    with running_backtalk(upstream.url, tmp_path / "data", ledger__commit_s="0.3") as backtalk:
        mine = converse(backtalk, f"I am {CANARY}.", f"Who is {CANARY}?", "Thank you.", user=CANARY)
        others = converse(backtalk, OTHER, user="somebody")
        say(backtalk, {"kind": "correction", "value": f"It is {CANARY}.", "trace_id": mine[0]["x-trace-id"]})
        say(backtalk, {"kind": "rating", "value": False, "comment": CANARY, "request_id": mine[1]["x-request-id"]})
        settled(backtalk, mine[-1])
        settled(backtalk, others[-1])
        folder = build_pairs(backtalk, tmp_path / "sets" / "pairs")
        before = holding(backtalk)
        assert {"table messages", "an entry", "a Redis key"} <= before
        assert any(name.startswith("spool/") for name in before)

        erasure_id = order(backtalk, by="user", subject=CANARY)
        for kind in killed:
            backtalk.signal_children(kind, signal.SIGKILL)
            wait_until(backtalk.ready, PATIENCE_S, what="everything up again")
        told = wait_until(lambda: is_done(backtalk, erasure_id), PATIENCE_S, what="the end of the erasure")

        assert holding(backtalk) == set()
        assert {"table messages"} <= holding(backtalk, OTHER)
        assert (told["done"]["calls"], told["done"]["feedback"]) == (3, 2)
        assert set(told["trace_ids"]) == {headers["x-trace-id"] for headers in mine}
        check_tombstone(backtalk, erasure_id)
        check_datasets(backtalk, folder, told)
        check_late(backtalk, mine)


def said(backtalk: Backtalk, count: int) -> None:
    """Wait until so many feedbacks are in the ledger."""
    reader = LedgerReader(backtalk.data_dir / "ledger")
    wait_until(lambda: len(reader.everything("feedback", order="dt")) == count, PATIENCE_S, what="the feedback")


def command(backtalk: Backtalk, *words: str) -> Any:
    """What a command prints as JSON."""
    arguments = [*words, "--data-dir", str(backtalk.data_dir), "--json"]
    return json.loads(CliRunner().invoke(main, arguments, catch_exceptions=False).output)


def build_pairs(backtalk: Backtalk, folder: Path) -> Path:
    """A dataset with the canary, which a run used and a name means, and beside it a single file."""
    said(backtalk, 2)
    folder.parent.mkdir()
    for out in (folder, folder.with_name("single.jsonl")):
        words = ["dataset", "build", "dpo", "--out", str(out), "--data-dir", str(backtalk.data_dir)]
        assert CliRunner().invoke(main, words, catch_exceptions=False).exit_code == 0
    keeping.register_run(
        backtalk.data_dir,
        name="tune",
        purpose="training",
        datasets=["pairs"],
        actor="ada",
        artefact="/models/tune",
        artefact_sha256="f" * 64,
    )
    keeping.set_ref(backtalk.data_dir, "production", {"dataset": "pairs"}, actor="ada", reason="first")
    assert any(CANARY.encode() in path.read_bytes() for path in folder.rglob("*.jsonl"))
    return folder


def written(folder: Path) -> list[Path]:
    """The files below a folder with the canary, in their bytes or in the rows of a Parquet file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = [path for path in files if CANARY.encode() in path.read_bytes()]
    return found + [path for path in files if path.suffix == ".parquet" and CANARY in str(parquet_columns(path))]


def check_datasets(backtalk: Backtalk, folder: Path, told: dict[str, Any]) -> None:
    """No byte and no row of a folder has the canary; the lineage is whole, and says what was erased."""
    assert written(folder.parent) == []
    assert (told["not_reached"], told["done"]["datasets"]) == ([], 2)
    assert [(one["name"], one["artefact_uri"]) for one in told["trained"]] == [("tune", "/models/tune")]
    assert verify(backtalk.data_dir).findings == ()
    (meant,) = command(backtalk, "ref", "show", "production")
    ((old, after),) = meant["erased"].items()
    assert meant["target"] == {"dataset": old}
    new = command(backtalk, "dataset", "show", after["replaced_by"])
    assert (2 * new["erased_rows"], after["erased_by"]) == (told["done"]["dataset_rows"], told["id"])
    row = command(backtalk, "run", "why", "tune", "0")
    assert (row["dataset"]["replaced_by"], {call["erased"] for call in row["calls"]}) == (new["dataset_id"], {True})
    assert CANARY not in str(row)


def check_tombstone(backtalk: Backtalk, erasure_id: str) -> None:
    """The ledger says what, when, by whom and why, and every row that was there is still counted."""
    reader = LedgerReader(backtalk.data_dir / "ledger")
    stones = {row["erasure_id"]: row for row in reader.everything("erasures", order="dt")}
    assert (stones[erasure_id]["actor"], stones[erasure_id]["by"]) == ("a test", "user")
    assert stones[erasure_id]["subject"] != CANARY
    erased = [row for row in reader.everything("calls", order="opened_ns") if row["erased_ns"]]
    assert [row["status"] for row in erased] == [200, 200, 200]
    values = [row["value_json"] for row in reader.everything("feedback", order="given_ns")]
    assert values == [None, "false"]


def check_late(backtalk: Backtalk, mine: list[dict[str, str]]) -> None:
    """What comes later, of the user, of the conversation without its name, or about its calls, is erased on arrival."""
    late = converse(backtalk, f"I am {CANARY}.", f"Still {CANARY}.", user=CANARY)
    say(backtalk, {"kind": "comment", "value": f"{CANARY} again", "trace_id": mine[0]["x-trace-id"]})
    settled(backtalk, late[-1])
    reader = LedgerReader(backtalk.data_dir / "ledger")
    wait_until(lambda: len(reader.everything("feedback", order="dt")) == 3, PATIENCE_S, what="the late feedback")
    assert {name for name in holding(backtalk) if not name.startswith("spool/")} == set()


_CONFIG = """
ledger.commit_s = 0.3
[telemetry]
content = "attributes"
call_share = 0.0
[annotate]
annotators = ["judge"]
turn_share = 1.0
[plugin.judge]
url = "{judge}"
model = "small-judge"
timeout_s = 300
"""
_STOPS = """
import os, pathlib, signal, sys
from backtalk.datasets.making import make
from backtalk.datasets.recipe import load_recipe
from backtalk.lineage import builds, keeping
owner, name = {"written": (builds.Announced, "complete"), "placed": (keeping, "register_dataset")}[sys.argv[3]]
real = getattr(owner, name)
def stops(*given, **named):
    os.kill(os.getpid(), signal.SIGSTOP)
    return real(*given, **named)
setattr(owner, name, stops)
make(pathlib.Path(sys.argv[1]), load_recipe("dpo"), pathlib.Path(sys.argv[2]), actor="ada")
"""


def stopped_build(backtalk: Backtalk, out: Path, point: str) -> subprocess.Popen[bytes]:
    """A build in a process of its own that stands still: all is `written`, or `placed` and not yet registered."""
    words = [sys.executable, "-c", _STOPS, str(backtalk.data_dir), str(out), point]
    process = subprocess.Popen(words)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert written(out.parent)
    return process


@pytest.mark.timeout(180)
def test_neither_builds_nor_receivers_get_anything_of_an_erased_user_afterwards(
    upstream: Provider, tmp_path: Path
) -> None:
    """Once the order is done nobody writes or sends a text.

    Not a build of a pipeline that read before and ends behind it, not two that were killed, not an exporter whose
    collector was away, with a batch that waited and calls that it held, not an annotator whose judge is slow.
    """
    config = tmp_path / "backtalk.toml"
    with running_provider(Behaviour(hold=True)) as judge, HttpReceiver() as collector:
        environ = {"BACKTALK_CONFIG": str(config), "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        config.write_text(_CONFIG.format(judge=judge.url), encoding="utf-8")
        with running_backtalk(upstream.url, tmp_path / "data", environ=environ) as backtalk:
            said_by_me = (f"I am {CANARY}.", f"No, {CANARY} is wrong.", f"Wrong again, I said {CANARY}.")
            mine = converse(backtalk, *said_by_me, user=CANARY, edited=False)
            others = converse(backtalk, OTHER, user="somebody")
            say(backtalk, {"kind": "comment", "value": "so", "trace_id": others[0]["x-trace-id"]})
            wait_until(lambda: "comment" in str(collector.spans), PATIENCE_S, what="what was said of the others")
            collector.answer = lambda _route, _message: 503
            collector.seen.clear()
            say(backtalk, {"kind": "correction", "value": f"It is {CANARY}.", "trace_id": mine[0]["x-trace-id"]})
            wait_until(lambda: "traces not taken" in backtalk.output, PATIENCE_S, what="a try without a collector")
            wait_until(lambda: judge.exchanges, PATIENCE_S, what="a question that is under way")
            settled(backtalk, mine[-1])
            said(backtalk, 2)
            run = backtalk.data_dir / "pipelines" / "support" / "runs" / "20261126t101500z-0a1b2c"
            places = ((tmp_path / "sets/half", "written"), (tmp_path / "sets/whole.jsonl", "placed"))
            builds = [stopped_build(backtalk, *place) for place in (*places, (run / "datasets" / "late", "written"))]
            (run / "logs").mkdir()
            (run / "logs" / "train.log").write_text(f"first row: {CANARY}")
            for killed in builds[:2]:
                killed.kill()
                killed.wait()

            erasure_id = order(backtalk, by="user", subject=CANARY)
            wait_until(lambda: "spools" in progress(backtalk, erasure_id)["done"], PATIENCE_S, what="the spools")
            assert "builds" not in progress(backtalk, erasure_id)["done"]
            builds[2].send_signal(signal.SIGCONT)
            assert builds[2].wait(PATIENCE_S) == 0
            told = wait_until(lambda: is_done(backtalk, erasure_id), PATIENCE_S, what="the end of the erasure")

            assert (told["done"]["datasets"], told["done"]["log_files"], told["not_reached"]) == (2, 1, [])
            check_receivers(backtalk, collector, judge, mine, others)
            assert holding(backtalk) == set()
            assert written(tmp_path) == []
            assert verify(backtalk.data_dir).findings == ()


def check_receivers(
    backtalk: Backtalk,
    collector: HttpReceiver,
    judge: Provider,
    mine: list[dict[str, str]],
    others: list[dict[str, str]],
) -> None:
    """What waited is delivered, and what is said later; there is no text of the person in any of it."""
    asked = len(judge.exchanges)
    judge.release()
    collector.answer = lambda _route, _message: 200
    for headers in (*mine, *others):
        say(backtalk, {"kind": "rating", "value": False, "trace_id": headers["x-trace-id"]})
    converse(backtalk, "What else?", "That is wrong.", user="somebody", edited=False)
    wait_until(lambda: str(collector.spans).count("rating") >= len(mine), PATIENCE_S, what="the ratings")
    wait_until(lambda: any(one.body for one in list(judge.exchanges)[asked:]), PATIENCE_S, what="the next question")
    assert "correction" in str(collector.spans)
    assert CANARY not in str(collector.seen)
    assert CANARY not in str([one.body for one in list(judge.exchanges)[asked:]])
