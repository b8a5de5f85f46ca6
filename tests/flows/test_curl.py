"""The `curl` binary sees through Backtalk what it sees without: streams, files, 100-continue, HTTP/1.0 and HEAD."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from backtalk.testing.behaviour import Behaviour, as_header
from backtalk.testing.provider import Provider
from backtalk.testing.serve import Backtalk
from backtalk.testing.waiting import wait_until

_CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(_CURL is None, reason="curl is not on this machine")


def _chat(text: str, *, stream: bool = False) -> str:
    return json.dumps({"model": "scripted", "stream": stream, "messages": [{"role": "user", "content": text}]})


def _curl(*arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [_CURL or "curl", "-sS", "--max-time", "20", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done


def _script(behaviour: Behaviour) -> tuple[str, str]:
    return "-H", f"x-script: {as_header(behaviour)}"


def test_a_stream_is_shown_while_it_comes(backtalk: Backtalk, upstream: Provider) -> None:
    """`-N` prints the first event while the provider still holds the others back."""
    script = _script(Behaviour(text="one two three", hold_after_writes=2))
    command = [_CURL or "curl", "-sSN", *script, "-d", _chat("curl streams", stream=True)]
    command += ["--max-time", "20", f"{backtalk.url}/v1/chat/completions"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        early = running.stdout.readline()
        wait_until(lambda: upstream.held == 1, what="the provider's pause")
        assert early.startswith(b"data: ")
        upstream.release()
        rest = running.stdout.read()
    assert rest.endswith(b"data: [DONE]\n\n")
    assert running.returncode == 0


def test_a_body_from_a_file_arrives_byte_by_byte(backtalk: Backtalk, upstream: Provider, tmp_path: Path) -> None:
    """`--data-binary @file` of three megabytes, so that curl asks for 100-continue by itself."""
    body = _chat("a file of curl " + "é" * 1_500_000).encode()
    (tmp_path / "body.json").write_bytes(body)
    given = ("-H", "content-type: application/json", "--data-binary", f"@{tmp_path / 'body.json'}")
    done = _curl(*given, f"{backtalk.url}/v1/chat/completions")
    assert json.loads(done.stdout)["object"] == "chat.completion"
    arrived = next(one for one in reversed(upstream.exchanges) if b"a file of curl" in one.body)
    assert arrived.body_sha256 == hashlib.sha256(body).hexdigest()


def test_a_body_from_a_pipe_arrives_chunked(backtalk: Backtalk, upstream: Provider) -> None:
    """`-T -` has no length; the provider gets the same bytes."""
    body = _chat("a pipe of curl").encode()
    done = _curl("-X", "POST", "-T", "-", f"{backtalk.url}/v1/chat/completions", given=body)
    assert json.loads(done.stdout)["object"] == "chat.completion"
    arrived = next(one for one in reversed(upstream.exchanges) if b"a pipe of curl" in one.body)
    assert arrived.body == body


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(backtalk: Backtalk) -> None:
    """The interim response comes at once: curl would wait for it a minute here, and for the whole call 20 seconds."""
    waits = ("-H", "Expect: 100-continue", "--expect100-timeout", "60", "-v")
    done = _curl(*waits, "-d", _chat("expected"), f"{backtalk.url}/v1/chat/completions")
    assert b"< HTTP/1.1 100 Continue" in done.stderr
    assert json.loads(done.stdout)["choices"][0]["message"]["content"] == "The scripted provider heard: expected"


@pytest.mark.parametrize("stream", [False, True])
def test_http_1_0_gets_the_same_body_without_chunks(backtalk: Backtalk, stream: bool) -> None:
    """The end of a stream is the end of the connection."""
    script = _script(Behaviour(raw_body=b"data: 1\n\ndata: 2\n\n", framing="chunked" if stream else None))
    asked = ("-0", "-D", "-", *script, "-d", _chat("old", stream=stream))
    head, _, body = _curl(*asked, f"{backtalk.url}/v1/chat/completions").stdout.partition(b"\r\n\r\n")
    assert body == b"data: 1\n\ndata: 2\n\n"
    assert b"transfer-encoding" not in head.lower()
    assert b"x-trace-id: " in head


def test_head_brings_the_head_alone(backtalk: Backtalk, upstream: Provider) -> None:
    """`-I` asks the provider with HEAD, and shows its fields and the ids."""
    upstream.script(Behaviour(raw_body=b"", headers=(("x-kept", "yes"),)))
    done = _curl("-I", f"{backtalk.url}/v1/models")
    assert next(reversed(upstream.exchanges)).method == "HEAD"
    assert done.stdout.startswith(b"HTTP/1.1 200")
    assert b"x-kept: yes" in done.stdout
    assert b"x-trace-id: " in done.stdout
