"""Every page of the console in a real browser, with data: no error, no breach of its policy, the API's own figures."""

import json
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import openai
import pytest
from click.testing import CliRunner

from backtalk.cli import main
from backtalk.testing.chromium import Chromium, Tab, find_chromium, running_chromium
from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

WATCH: Final = """
window.wrong = [];
const keep = (event) => wrong.push(`${event.type} ${event.message ?? event.reason ?? event.blockedURI ?? ""}`);
for (const kind of ["error", "unhandledrejection", "securitypolicyviolation"]) addEventListener(kind, keep, true);
const said = console.error;
console.error = (...words) => { wrong.push(words.join(" ")); said(...words); };
"""
"""What would show in the browser's console, kept from before the page's first script."""
TABLE: Final = """
[...document.querySelectorAll("main tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent))
"""
KNOWN: Final = ("explicit", "implicit", "outcome", "gold", "session", "silent")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


class Seen(NamedTuple):
    """A Backtalk with calls, feedback and a dataset in it, and a browser."""

    backtalk: Backtalk
    browser: Chromium
    address: str


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Generator[Seen]:
    """Nine answers, of which some were rated and one was corrected, and a dataset of that correction."""
    program = find_chromium()
    if program is None:
        pytest.fail("no Chromium is on PATH; Debian has one: apt-get install chromium")
    data = tmp_path_factory.mktemp("pages") / "data"
    settings: dict[str, Any] = {"feedback__audit__enabled": True, "feedback__audit__share": 0.999}
    with (
        running_provider() as upstream,
        running_backtalk(upstream.url, data, **settings) as backtalk,
        running_chromium(program) as browser,
    ):
        _use(backtalk)
        wait_until(lambda: _conversion(backtalk)["total"]["count"] >= 6, 30, what="the feedback in the ledger")
        built = CliRunner().invoke(
            main, ["dataset", "build", "dpo", "--data-dir", str(data), "--out", str(data.parent / "pairs")]
        )
        assert built.exit_code == 0, built.output
        address = CliRunner().invoke(main, ["console", "--data-dir", str(data)]).output.strip()
        yield Seen(backtalk, browser, address)


@pytest.fixture
def tab(seen: Seen) -> Generator[Tab]:
    """A tab that was opened with the printed address; nothing went wrong in it until the end."""
    opened = seen.browser.tab()
    opened.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    opened.send("Page.navigate", url=seen.address)
    opened.until("document.querySelectorAll('tbody tr').length >= 9")
    yield opened
    assert opened.run("window.wrong") == []


def test_conversion_shows_what_the_api_says(seen: Seen, tab: Tab) -> None:
    """Each kind and age with its count, rows, share, interval and reasons; the sentence above sums them."""
    _go(tab, "#/conversion?days=7", "document.querySelector('main tbody')")
    document = _conversion(seen.backtalk)
    assert document["total"]["converted"] >= 1
    assert tab.run(TABLE) == [row for kind in document["kinds"] for row in _conversion_rows(kind)]
    total = document["total"]
    said = tab.run("document.querySelector('main p').textContent")
    assert said.startswith(f"{total['converted']} of {total['count']} signals and feedback of 7 days")


def test_coverage_shows_what_the_api_says(seen: Seen, tab: Tab) -> None:
    """Every segment with its answers and shares; how much feedback joined; the next steps word for word."""
    _go(tab, "#/audit?days=7", "document.querySelector('main tbody')")
    status, document = seen.backtalk.admin("/v1/audit")
    assert status == 200
    shown = tab.run(TABLE)
    assert shown[0] == ["all", *_coverage(document["total"])]
    listed = [one for group in document["segments"].values() for one in group["listed"]]
    assert {tuple(row[1:]) for row in shown if len(row) > 1} <= {
        tuple(_coverage(one)) for one in [document["total"], *listed]
    }
    words = tab.run("document.querySelector('main').textContent")
    assert f"{document['feedback']['joined']} joined, {document['feedback']['pending']} waiting" in words
    assert all(step["finding"] in words and step["action"] in words for step in document["next"])


def test_keyboard_is_enough(seen: Seen, tab: Tab) -> None:
    """Every page by Tab and Enter; a period is chosen and an answer judged without a mouse."""
    _press_until(tab, "document.activeElement.hash === '#/conversion'")
    tab.press("Enter")
    tab.until("document.querySelector('h1')?.textContent === 'Conversion' && !!document.querySelector('main tbody')")
    _press_until(tab, "document.activeElement.hash === '#/conversion?days=90'")
    tab.press("Enter")
    tab.until("document.querySelector('main p')?.textContent.includes('of 90 days')")
    tab.run("document.querySelector('header a').focus()")
    _press_until(tab, "document.activeElement.hash === '#/review'")
    tab.press("Enter")
    tab.until("!!document.querySelector('input[name=reviewer]')")
    _press_until(tab, "document.activeElement.name === 'reviewer'")
    tab.type("Grace")
    tab.press("Enter")
    tab.until("!!document.querySelector('.turn.answer')")
    _, before = seen.backtalk.admin("/v1/review?reviewer=Grace")
    assert tab.run("document.querySelector('main p').textContent").startswith(f"{before['waiting']} answers wait")
    _press_until(tab, "document.activeElement.textContent === 'Yes'")
    tab.press(" ")
    tab.until(f"document.querySelector('main p')?.textContent.startsWith('{before['waiting'] - 1} answers wait')")


def test_page_is_named_to_those_who_listen(tab: Tab) -> None:
    """One heading, a named navigation, a language, columns that name their cells, and a label on every field."""
    _go(tab, "#/traces", "document.querySelector('main tbody a.id')")
    trace = tab.run("document.querySelector('main tbody a.id').hash")
    for place in (trace, "#/traces", "#/audit", "#/conversion", "#/review"):
        _go(tab, place, "document.querySelector('main h1')")
        tab.until("!!document.querySelector('main table, main form, main section')")
        assert tab.run("document.querySelectorAll('h1').length") == 1
        assert tab.run("document.documentElement.lang === 'en' && !!document.querySelector('nav[aria-label]')")
        assert tab.run("[...document.querySelectorAll('th')].every((head) => head.scope === 'col')")
        fields = "[...document.querySelectorAll('input, select, textarea')]"
        assert tab.run(f"{fields}.every((one) => one.labels.length || one.ariaLabel)")
        assert tab.run("document.querySelector('nav a[aria-current]')?.hash") == (
            "#/traces" if place == trace else place
        )


def _conversion(backtalk: Backtalk) -> dict[str, Any]:
    status, document = backtalk.admin("/v1/conversion")
    assert status == 200, document
    found: dict[str, Any] = document
    return found


def _conversion_rows(kind: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    ages = [["", age, *_conversion_figures(part)] for age, part in kind["ages"].items()]
    return [[f"{kind['fact']} {kind['kind']}", "", *_conversion_figures(kind)], *ages]


def _conversion_figures(one: Mapping[str, Any]) -> Sequence[str]:
    why = [exit_ for exit_ in one["exits"] if exit_["exit"] not in ("training", "evaluation")]
    reasons = ", ".join(f"{each['exit'].replace('_', ' ')} {each['count']}" for each in why)
    return [str(one["count"]), str(one["converted"]), _share(one), reasons]


def _coverage(one: Mapping[str, Any]) -> Sequence[str]:
    return [str(one["calls"]), *(_share(one.get(name)) for name in KNOWN)]


def _share(one: Mapping[str, Any] | None) -> str:
    if one is None or one["share"] is None:
        return ""
    return f"{_percent(one['share'])}{_percent(one['low'])} to {_percent(one['high'])}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _go(tab: Tab, place: str, until: str) -> None:
    tab.run(f"location.hash = {json.dumps(place)}")
    tab.until(f"!!({until})")


def _press_until(tab: Tab, reached: str) -> None:
    """Press Tab until the focus is there; within as many steps as a patient person would take."""
    for _ in range(60):
        tab.press("Tab")
        if tab.run(reached):
            return
    pytest.fail(f"Tab never reached {reached}")


def _use(backtalk: Backtalk) -> None:
    """Nine answers on two models; five are rated, one is corrected."""
    with openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-person", max_retries=0) as client:
        for number in range(9):
            asked: Any = [{"role": "user", "content": f"Question {number}?"}]
            model = "scripted" if number % 2 else "scripted-2"
            made = client.chat.completions.with_raw_response.create(model=model, messages=asked)
            if number < 5:
                _say(backtalk, kind="rating", value=bool(number % 3), trace_id=made.headers["x-trace-id"])
            if number == 5:
                right = "The right answer, in somebody's own words."
                _say(backtalk, kind="correction", value=right, trace_id=made.headers["x-trace-id"])


def _say(backtalk: Backtalk, **body: object) -> None:
    head = {"authorization": "Bearer sk-person"}
    request = urllib.request.Request(f"{backtalk.url}/v1/feedback", json.dumps(body).encode(), head)  # noqa: S310 -- our own listener
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 -- our own listener
        assert reply.status == 202
