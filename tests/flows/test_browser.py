"""/feedback.js in a real browser, on a page of another origin than Backtalk's: what a reader does lands on its call."""

import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest

from backtalk.testing.behaviour import Behaviour
from backtalk.testing.chromium import NAMES, Chromium, Tab, find_chromium, running_chromium
from backtalk.testing.provider import Provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

ROOT: Final = Path(__file__).parents[2]
NODE_MODULES: Final = ROOT / ".venvs/node/node_modules"
KEY: Final = "sk-browser"
POLICY: Final = "default-src 'none'; script-src 'self' {url}; connect-src {url}"
"""A strict policy: no style at all, no script but from here and from Backtalk."""
PAGE: Final = """<!doctype html><meta charset="utf-8"><title>An app</title><link rel="icon" href="data:,">
<script src="{url}/feedback.js"></script><script src="/app.js"></script>
<p id="answer"></p><div id="place"></div><button id="stop">Stop</button><textarea id="editor"></textarea>
<p id="far">The end of the page.</p>"""
APP: Final = """
window.answerOf = async (text, options = {}) => {
  const element = document.querySelector("#answer");
  element.textContent = "";
  window.sent = []; window.refused = [];
  const stopping = new AbortController();
  document.querySelector("#stop").onclick = () => stopping.abort();
  const response = await fetch(backtalk.url + "/v1/chat/completions", {
    method: "POST", signal: stopping.signal,
    headers: { "content-type": "application/json", authorization: "Bearer KEY" },
    body: JSON.stringify({ model: "scripted", stream: true, messages: [{ role: "user", content: text }] }),
  });
  window.trace = response.headers.get("x-trace-id");
  window.head = backtalk.fromResponse(response);
  window.bound = backtalk.attach(element, {
    ...window.head, streaming: true, stop: document.querySelector("#stop"), text: () => element.textContent,
    onSent: (id, item) => window.sent.push(item.kind), onError: (error, item) => window.refused.push([error, item]),
    ...options,
  });
  window.finished = (async () => {
    for await (const piece of response.body.pipeThrough(new TextDecoderStream()))
      for (const line of piece.split("\\n").filter((one) => one.startsWith("data: {")))
        element.textContent += JSON.parse(line.slice(6)).choices[0]?.delta.content ?? "";
    window.bound.done("stop");
    return true;
  })();
};
"""


class _Site(http.server.ThreadingHTTPServer):
    """The app's own origin; `files` are content type and body by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, tuple[str, str]] = {}
        self.policy = ""
        self.url = f"http://localhost:{self.server_port}"
        """`localhost`, where Backtalk is 127.0.0.1: another site to a browser."""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = cast("_Site", self.server)
        kind, body = site.files.get(self.path, ("text/plain", ""))
        self.send_response(200 if body else 404)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        if site.policy:
            self.send_header("content-security-policy", site.policy)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[_Site]:
    """The app's server."""
    with _Site() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def running(upstream: Provider, site: _Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backtalk]:
    """A Backtalk that gives tokens, and lets pages of the app's origin in."""
    settings: dict[str, Any] = {"web__allowed_origins": (site.url,), "feedback__tokens__enabled": True}
    with running_backtalk(upstream.url, tmp_path_factory.mktemp("browser") / "data", **settings) as made:
        site.files["/"] = "text/html", PAGE.format(url=made.url)
        site.files["/app.js"] = "text/javascript", APP.replace("KEY", KEY) + f'backtalk.url = "{made.url}";'
        site.policy = POLICY.format(url=made.url)
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """The machine's browser."""
    program = find_chromium()
    if program is None:
        pytest.fail(f"no Chromium on PATH ({', '.join(NAMES)}): install one, or leave the mark `browser` out")
    with running_chromium(program) as browser:
        yield browser


@pytest.fixture
def tab(chromium: Chromium, running: Backtalk, site: _Site) -> Tab:
    """The app's page, open."""
    del running
    made = chromium.tab()
    made.go(site.url + "/")
    made.run("window.violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.blockedURI))")
    return made


def _ask(tab: Tab, text: str, options: str = "{}") -> str:
    """Have a question answered; the trace id."""
    tab.run(f"answerOf({json.dumps(text)}, {options})")
    assert tab.run("finished")
    trace_id: str = tab.run("trace")
    return trace_id


def _said(running: Backtalk, trace_id: str, *kinds: str) -> dict[str, list[Any]]:
    """What the ledger has on the one call of a trace, by kind, once these kinds are there."""

    def has_all(document: dict[str, Any]) -> bool:
        found = [one["kind"] for call in document["calls"] for one in call["feedback"]]
        return set(kinds) <= set(found)

    document = running.wait_for_trace(trace_id, has_all, timeout_s=20)
    (call,) = document["calls"]
    found: dict[str, list[Any]] = {}
    for one in call["feedback"]:
        found.setdefault(one["kind"], []).append(one)
    return found


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_thumb_and_a_correction_land_on_the_streamed_answer(tab: Tab, running: Backtalk) -> None:
    """By mouse and keyboard, from another origin, under a strict policy: one rating and one correction on the call."""
    trace_id = _ask(tab, "Who wrote Solaris?")
    answer = tab.run("document.querySelector('#answer').textContent")
    tab.click(".backtalk-down")
    assert tab.run("document.querySelector('.backtalk-down').getAttribute('aria-pressed')") == "true"
    assert tab.run("document.querySelector('.backtalk-status').textContent") == "Thank you"
    tab.click(".backtalk-correct")
    assert tab.run("document.activeElement.className") == "backtalk-box"
    assert tab.run("document.activeElement.value") == answer
    tab.run("document.activeElement.select()")
    tab.type("<b>Stanisław Lem</b>")
    tab.press("Enter", control=True)
    assert tab.run("document.activeElement.className") == "backtalk-correct"
    tab.until("sent.includes('rating') && sent.includes('correction')")
    said = _said(running, trace_id, "rating", "correction")
    assert [one["value"] for one in said["rating"]] == [False]
    assert [one["value"] for one in said["correction"]] == ["<b>Stanisław Lem</b>"]
    assert tab.run("[refused, violations]") == [[], []]


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_what_a_reader_does_is_seen(tab: Tab, chromium: Chromium, running: Backtalk) -> None:
    """Copying by button and by selection, an edit with its distance, stopping: each as an event on its call."""
    chromium.allow("clipboardReadWrite", "clipboardSanitizedWrite")
    trace_id = _ask(tab, "Copy me.", "{textarea: document.querySelector('#editor')}")
    tab.click(".backtalk-copy")
    tab.until("document.querySelector('.backtalk-status').textContent === 'Copied'")
    tab.run("getSelection().selectAllChildren(document.querySelector('#answer')); document.execCommand('copy')")
    tab.run("document.querySelector('#editor').value = document.querySelector('#answer').textContent")
    tab.click("#editor")
    tab.type("x")
    tab.run("document.activeElement.blur()")
    tab.until("sent.filter(kind => kind === 'event').length + refused.length >= 3")
    assert tab.run("refused") == []
    events = [(one["value"], one.get("distance")) for one in _said(running, trace_id, "event")["event"]]
    assert [value for value, _ in events].count("copied") == 2
    (far,) = [distance for value, distance in events if value == "edited"]
    assert 0 < far < 0.5


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_page_that_is_left_says_what_it_had_to_say(tab: Tab, running: Backtalk) -> None:
    """The thumb was pressed a moment before the page went away: a beacon brings it."""
    trace_id = _ask(tab, "Leave me.")
    tab.click(".backtalk-up")
    tab.go("about:blank")
    assert [one["value"] for one in _said(running, trace_id, "rating")["rating"]] == [True]


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_what_a_beacon_brought_counts_once_when_the_page_lives_on(tab: Tab, running: Backtalk) -> None:
    """A hidden page sends beacons, and all of it again when it is seen again: the ids are the same."""
    trace_id = _ask(tab, "Hide me.")
    tab.click(".backtalk-up")
    tab.run("dispatchEvent(new PageTransitionEvent('pagehide'))")
    _said(running, trace_id, "rating")
    tab.run("dispatchEvent(new PageTransitionEvent('pageshow'))")
    tab.until("sent.includes('rating')")
    tab.run("bound.comment('the last word'), bound.flush()")
    said = _said(running, trace_id, "rating", "comment")
    assert len(said["rating"]) == 1


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_server_that_is_away_is_asked_again(tab: Tab, running: Backtalk) -> None:
    """What could not be sent waits, and is sent once."""
    trace_id = _ask(tab, "Try again.")
    tab.run("window.really = fetch; window.fetch = () => Promise.reject(new TypeError('away'))")
    tab.run("bound.rate(true), bound.flush()")
    tab.run("window.fetch = really")
    tab.until("sent.includes('rating')")
    assert len(_said(running, trace_id, "rating")["rating"]) == 1


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_an_answer_that_is_not_to_be_asked_about_shows_nothing(tab: Tab) -> None:
    """`none` has no buttons, `prominent` a question; buttons wait for the answer's end."""
    _ask(tab, "Quiet.", "{ask: 'none'}")
    assert tab.run("document.querySelector('.backtalk')") is None
    _ask(tab, "Loud.", "{ask: 'prominent'}")
    assert tab.run("document.querySelector('.backtalk-question').textContent") == "Was this answer helpful?"
    assert tab.run("document.querySelectorAll('.backtalk').length") == 1
    tab.run("bound.detach()")
    assert tab.run("document.querySelectorAll('.backtalk').length") == 0


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_stop_is_told_and_the_buttons_come_at_the_end(tab: Tab, running: Backtalk, upstream: Provider) -> None:
    """While the answer streams there are no buttons; the stop button says that a person stopped it."""
    upstream.script(Behaviour(text="one two three four five six", hold_after_writes=4))
    tab.run("answerOf('Stop me.')")
    trace_id: str = tab.run("trace")
    assert tab.run("document.querySelector('.backtalk').hidden")
    tab.click("#stop")
    assert not tab.run("document.querySelector('.backtalk').hidden")
    upstream.release()
    tab.until("sent.includes('event')")
    assert [one["value"] for one in _said(running, trace_id, "event")["event"]] == ["stopped"]


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_thumb_that_was_not_sent_never_was_and_one_that_was_is_taken_back(tab: Tab, running: Backtalk) -> None:
    """Up and undone within the second: nothing. Down, sent, undone: a retraction of just that rating."""
    trace_id = _ask(tab, "Undo me.")
    tab.click(".backtalk-up")
    tab.click(".backtalk-undo")
    tab.click(".backtalk-down")
    tab.until("sent.includes('rating')")
    tab.click(".backtalk-undo")
    assert tab.run("document.querySelector('.backtalk-status').textContent") == "Taken back"
    (rating,) = _said(running, trace_id, "rating")["rating"]
    assert rating["value"] is False
    wait_until(lambda: _status(running, rating["feedback_id"]) == "retracted", 20, what="the retraction")
    assert tab.run("refused") == []


def _status(running: Backtalk, feedback_id: str) -> str:
    """What became of a feedback, as its app may ask."""
    url = f"{running.url}/v1/feedback/{feedback_id}"
    asked = urllib.request.Request(url, headers={"authorization": f"Bearer {KEY}"})  # noqa: S310 -- our own
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 -- our own
        status: str = json.load(answer)["status"]
        return status


REACT: Final = """<!doctype html><meta charset="utf-8"><title>React</title><link rel="icon" href="data:,">
<script type="importmap">{"imports": {"react": "/react.js", "react-dom/client": "/react-dom.js"}}</script>
<main></main><script type="module">
import { createElement, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Answer } from "/answer.js";
const messages = [{ role: "user", content: "Who filmed it first?" }];
const shown = createElement(Answer, { baseUrl: "URL/v1", apiKey: "KEY", messages });
createRoot(document.querySelector("main")).render(createElement(StrictMode, null, shown));
</script>"""
CJS: Final = """const module = { exports: {} };
(function (module, exports, require, process) { BODY
})(module, module.exports, (name) => (NEEDS)[name], { env: {} });
export default module.exports; const __all = module.exports; export { __all };
"""


def _module(name: str, file: str, needs: dict[str, str], exports: str) -> str:
    """A CommonJS file of an npm package as an ES module: what a bundler would do."""
    body = (NODE_MODULES / name / "cjs" / file).read_text(encoding="utf-8")
    imports = "".join(f'import {{ __all as {alias} }} from "{path}";' for alias, path in needs.items())
    table = "{" + ", ".join(f'"{alias.replace("_", "-")}": {alias}' for alias in needs) + "}"
    text = CJS.replace("NEEDS", table).replace("BODY", body)
    return f"{imports}\n{text}\nexport const {{ {exports} }} = __all;"


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_the_react_example_shows_an_answer_and_takes_a_thumb(
    chromium: Chromium, running: Backtalk, site: _Site
) -> None:
    """React's strict mode mounts everything twice: one row of buttons stays, and one rating lands."""
    hooks = "createElement, StrictMode, useEffect, useRef, useState"
    react = {"react": "/react.js", "scheduler": "/scheduler.js", "react_dom": "/react-dom-shared.js"}
    site.policy = ""
    javascript = "text/javascript"
    site.files["/react.js"] = javascript, _module("react", "react.production.js", {}, hooks)
    site.files["/scheduler.js"] = javascript, _module("scheduler", "scheduler.production.js", {}, "unstable_now")
    shared = _module("react-dom", "react-dom.production.js", {"react": "/react.js"}, "createPortal")
    site.files["/react-dom-shared.js"] = javascript, shared
    site.files["/react-dom.js"] = (
        javascript,
        _module("react-dom", "react-dom-client.production.js", react, "createRoot"),
    )
    example = (ROOT / "deploy/examples/react/answer.js").read_text(encoding="utf-8")
    site.files["/answer.js"] = javascript, example.replace("/backtalk/feedback.js", f"{running.url}/feedback.js?module")
    site.files["/react"] = "text/html", REACT.replace("URL", running.url).replace("KEY", KEY)
    tab = chromium.tab()
    tab.go(site.url + "/react")
    tab.until("document.querySelector('.backtalk') && !document.querySelector('.backtalk').hidden")
    assert tab.run("document.querySelectorAll('.backtalk').length") == 1
    assert tab.run("document.querySelector('.answer').textContent") != ""
    tab.run("fetch = ((real) => (...said) => real(...said).then((r) => (window.last = r.clone(), r)))(fetch)")
    tab.click(".backtalk-up")
    answer = tab.until("window.last && window.last.json()")
    assert [item["error"] for item in answer["items"] if item.get("error")] == []


@pytest.mark.browser
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("before", "after", "far"),
    [
        ("", "", 0),
        ("same", "same", 0),
        ("kitten", "sitting", 3 / 7),
        ("", "abc", 1),
        ("abc", "xyz", 1),
        ("a b c", "a b", 0.4),
        ("word " * 1000, "word " * 999 + "other ", 1 / 1001),
    ],
)
def test_distances_are_shares_of_the_longer_text(tab: Tab, before: str, after: str, far: float) -> None:
    """Levenshtein's, by characters, and by words where texts are long."""
    found = tab.run(f"backtalk.distance({json.dumps(before)}, {json.dumps(after)})")
    assert found == pytest.approx(far, abs=0.001)
