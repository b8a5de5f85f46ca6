"""Log lines as JSON."""

import io
import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from backtalk.telemetry.log import JsonLines, Throttle


def _line(message: str, *, error: bool = False, **extra: object) -> dict[str, Any]:
    record = logging.makeLogRecord({"name": "n", "msg": message, "levelname": "WARNING", **extra})
    if error:
        failure = ValueError("Bearer abcdefghijklmn")
        record.exc_info = (ValueError, failure, None)
    text = JsonLines().format(record)
    assert "\n" not in text
    line: dict[str, Any] = json.loads(text)
    return line


def test_line_holds_time_level_message_and_fields() -> None:
    """What was given as `extra` stands beside the message."""
    line = _line("spool is full", trace_id="ab", bytes=5)
    assert line["level"] == "warning"
    assert line["message"] == "spool is full"
    assert line["trace_id"] == "ab"
    assert line["bytes"] == 5
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("name", "value"),
    [("authorization", "Bearer abc"), ("upstream_api_key", "k-1"), ("Cookie", "a=b"), ("admin_token", "x")],
)
def test_fields_with_a_secret_name_are_blotted_out(name: str, value: str) -> None:
    """Whoever logs a credential by its name logs nothing of it."""
    given: dict[str, Any] = {name: value}
    assert _line("m", **given)[name] == "[redacted]"


@pytest.mark.parametrize("secret", ["Bearer abcdefghijklmn", "sk-proj-0123456789", "redis://:hunter2@host"])
def test_texts_that_look_like_secrets_are_blotted_out(secret: str) -> None:
    """In messages, in fields, in tracebacks."""
    line = _line(f"failed with {secret}", error=True, reason=secret)
    text = json.dumps(line)
    assert "abcdefghijklmn" not in text
    assert "0123456789" not in text
    assert "hunter2" not in text


def test_counts_of_tokens_are_no_secret() -> None:
    """A number is shown whatever its name."""
    assert _line("m", input_tokens=7)["input_tokens"] == 7


def test_values_that_are_no_json_are_written_as_text() -> None:
    """A log line never fails for its fields."""
    assert _line("m", path=Throttle)["path"].startswith("<class")


def test_repeats_are_held_back_and_counted() -> None:
    """A flood gives a few lines, and later one that says how many were left out."""
    throttle = Throttle(burst=3, window_ns=1 << 60)
    records = [logging.makeLogRecord({"name": "n", "msg": "same %d", "args": (n,)}) for n in range(10)]
    assert [throttle.filter(record) for record in records] == [True] * 3 + [False] * 7
    assert throttle.filter(logging.makeLogRecord({"name": "n", "msg": "other"}))
    assert throttle.filter(logging.makeLogRecord({"name": "another", "msg": "same %d"}))


def test_next_line_after_the_window_tells_the_count() -> None:
    """With a window that is over at once each line passes; after held back ones it says so."""
    throttle = Throttle(burst=0, window_ns=0)
    first = logging.makeLogRecord({"name": "n", "msg": "m"})
    second = logging.makeLogRecord({"name": "n", "msg": "m"})
    assert throttle.filter(first)
    assert throttle.filter(second)
    assert vars(second)["suppressed"] == 1


def test_memory_of_messages_is_bounded() -> None:
    """After thousands of other messages the first is forgotten, and passes as if it were new."""
    throttle = Throttle(burst=1, window_ns=1 << 60)
    first = logging.makeLogRecord({"name": "n", "msg": "first"})
    assert [throttle.filter(first), throttle.filter(first)] == [True, False]
    for number in range(1_000):
        throttle.filter(logging.makeLogRecord({"name": "n", "msg": str(number)}))
    assert throttle.filter(first)


def test_root_logger_writes_lines_of_its_level() -> None:
    """In a real process: one line a record on stderr, lower levels are silent."""
    code = (
        "import logging; from backtalk.telemetry import configure_logging; configure_logging('warning');"
        " logging.getLogger('a').info('no'); logging.getLogger('a').error('yes %s', 1, extra={'k': 'v'})"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    (line,) = io.StringIO(done.stderr).readlines()
    assert json.loads(line)["message"] == "yes 1"
    assert json.loads(line)["k"] == "v"
