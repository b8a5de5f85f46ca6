"""The console in a real browser: what a person sees of a conversation, of coverage, and as a reviewer."""

import json
import urllib.request
from collections.abc import Generator
from typing import Any, Final, NamedTuple

import openai
import pytest
from click.testing import CliRunner

from backtalk.cli import main
from backtalk.testing.chromium import Chromium, Tab, find_chromium, running_chromium
from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk

MARKUP: Final = "<img src=x onerror=\"document.title='taken'\">"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


class Seen(NamedTuple):
    """A Backtalk with a conversation in it, and a browser."""

    browser: Chromium
    address: str
    """What `backtalk console` prints."""
    trace_id: str
    """Of the answer that was regenerated and rated."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Generator[Seen]:
    """The console after a conversation in which an answer displeased."""
    program = find_chromium()
    if program is None:
        pytest.fail("no Chromium is on PATH; Debian has one: apt-get install chromium")
    data = tmp_path_factory.mktemp("console") / "data"
    settings: dict[str, Any] = {"feedback__audit__enabled": True, "feedback__audit__share": 0.999}
    with (
        running_provider() as upstream,
        running_backtalk(upstream.url, data, **settings) as backtalk,
        running_chromium(program) as browser,
    ):
        trace_id = _converse(backtalk)
        address = CliRunner().invoke(main, ["console", "--data-dir", str(data)]).output.strip()
        yield Seen(browser, address, trace_id)


@pytest.fixture
def tab(seen: Seen) -> Tab:
    """A tab that was opened with the printed address."""
    opened = seen.browser.tab()
    opened.send("Page.navigate", url=seen.address)
    opened.until("document.querySelectorAll('tbody tr').length >= 4")
    return opened


def test_token_leaves_the_address(tab: Tab) -> None:
    """What the command prints opens the page, and nobody reads the token over a shoulder or from the history."""
    assert "token" not in tab.run("location.href")


def test_list_shows_what_became_of_each_answer(tab: Tab) -> None:
    """Signals and feedback stand beside the call; a filter narrows the list."""
    _go(tab, "#/traces", "document.querySelectorAll('tbody tr').length >= 4")
    assert "regeneration 0." in tab.run("document.body.innerText")
    _go(tab, "#/traces?signal=regeneration", "document.querySelectorAll('tbody tr').length === 1")
    assert "thumb down" in tab.run("document.querySelector('tbody').innerText")


def test_trace_shows_the_conversation_and_all_that_was_said(seen: Seen, tab: Tab) -> None:
    """Question, answer, signal with who showed it, feedback with its text; text stays text."""
    _go(tab, f"#/trace/{seen.trace_id}", "document.querySelector('.turn.answer')")
    shown = tab.run("document.body.innerText")
    assert "Which river flows through the old town of Prague?" in shown
    assert "regeneration" in shown
    assert MARKUP in shown
    assert tab.run("document.title") == "Backtalk"


def test_coverage_shows_shares_with_their_intervals(tab: Tab) -> None:
    """Once the ledger has the calls."""
    known = "document.querySelector('main table')?.innerText.includes(' % to ')"
    for days in (1, 7) * 15:
        _go(tab, f"#/audit?days={days}", f"document.body.innerText.includes('in {days} days')")
        if tab.run(known):
            break
    assert "explicit" in tab.run("document.querySelector('main').innerText")
    assert tab.run(known)


def test_reviewer_labels_an_answer_blind(tab: Tab) -> None:
    """A name, a click, and the label is a feedback on that answer; what users said is not shown before."""
    _go(tab, "#/review", "document.querySelector('input[name=reviewer]')")
    tab.click("input[name=reviewer]")
    tab.type("Ada")
    tab.press("Enter")
    tab.until("!!document.querySelector('.turn.answer')")
    assert "thumb" not in tab.run("document.querySelector('main').innerText")
    waiting = "Number(/(\\d+) answers wait/.exec(document.body.innerText)?.[1] ?? 0)"
    before = tab.run(waiting)
    tab.click("section button")
    tab.until(f"{waiting} === {before - 1}")


def test_wrong_token_is_asked_for_again(tab: Tab) -> None:
    """The page says why, and forgets the token when it is told to."""
    tab.click("#leave")
    tab.click("input[name=token]")
    tab.type("wrong")
    tab.press("Enter")
    assert "admin-token" in tab.until("document.querySelector('[role=alert]')?.innerText")


def _go(tab: Tab, place: str, until: str) -> None:
    tab.run(f"location.hash = {json.dumps(place)}")
    tab.until(f"!!({until})")


def _converse(backtalk: Backtalk) -> str:
    with openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-person", max_retries=0) as client:
        asked = [_user("Which river flows through the old town of Prague?")]
        answer, _ = _ask(client, asked)
        asked += [{"role": "assistant", "content": answer}, _user(f"How long is that river? {MARKUP}")]
        _, trace_id = _ask(client, asked)
        _ask(client, asked)
        _ask(client, [*asked[:2], _user("How many kilometres long is that river?")])
    body = {"kind": "rating", "value": False, "trace_id": trace_id, "comment": "Not what I asked for."}
    request = urllib.request.Request(  # noqa: S310 -- our own listener
        f"{backtalk.url}/v1/feedback", json.dumps(body).encode(), {"authorization": "Bearer sk-person"}
    )
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 -- our own listener
        assert reply.status == 202
    backtalk.wait_for_trace(trace_id, lambda found: found["calls"][0]["signals"] and found["calls"][0]["feedback"])
    return trace_id


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def _ask(client: openai.OpenAI, messages: Any) -> tuple[str, str]:
    with client.chat.completions.create(model="scripted", messages=messages, stream=True) as stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        return text, stream.response.headers["x-trace-id"]
