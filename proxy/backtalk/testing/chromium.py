"""A real Chromium for tests, driven by its own protocol (CDP) over a socket: no driver, no package of a browser.

In: addresses of pages, JavaScript, keys and clicks as a person's. Out: what pages say. The one rule: it starts with an
empty profile, asks nothing of the network but the pages it is given, and is gone with its block.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Generator
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

from backtalk.settings import bare_environ
from backtalk.testing.waiting import wait_until

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
    "--window-size=1000,800",
)
_URL: Final = re.compile(r"ws://\S+")
_KEYS: Final = {"Enter": 13, "Escape": 27, "Tab": 9, " ": 32}
_CENTRE: Final = """(() => {
  const found = document.querySelector(%s);
  if (!found) return null;
  found.scrollIntoView({ block: "center" });
  const box = found.getBoundingClientRect();
  return box.width ? [box.x + box.width / 2, box.y + box.height / 2] : null;
})()"""


def find_chromium() -> str | None:
    """The browser on PATH; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One tab; used by one thread."""

    def __init__(self, browser: "Chromium", session: str) -> None:
        self._browser = browser
        self._session = session
        self.send("Page.enable")
        self.send("Runtime.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol; raises `RuntimeError` where the browser refuses it."""
        return self._browser.send(method, session=self._session, **params)

    def go(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        failed = self.send("Page.navigate", url=url).get("errorText")
        if failed:
            raise RuntimeError(f"{url} was not opened: {failed}")
        self.until(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})")

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, waited for where it is a promise."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str, timeout_s: float = 20.0) -> Any:
        """Wait until an expression is true; its value."""
        return wait_until(lambda: self.run(expression), timeout_s, what=f"{expression} in the page")

    def click(self, selector: str) -> None:
        """Press the mouse on the middle of an element that can be seen."""
        x, y = self.until(_CENTRE % json.dumps(selector))
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, *, control: bool = False) -> None:
        """Press a named key."""
        text = {"text": "\r"} if key == "Enter" else {"text": key} if key == " " else {}
        held = {"modifiers": 2} if control else {}
        code = {"key": key, "windowsVirtualKeyCode": _KEYS.get(key, ord(key[0].upper()))}
        self.send("Input.dispatchKeyEvent", type="keyDown", **code, **text, **held)
        self.send("Input.dispatchKeyEvent", type="keyUp", **code, **held)

    def type(self, text: str) -> None:
        """Write into the element that has the focus."""
        self.send("Input.insertText", text=text)


class Chromium:
    """A running browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._sent = 0

    def send(self, method: str, *, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command, and its answer; events in between are let go."""
        self._sent += 1
        command = {"id": self._sent, "method": method, "params": params}
        self._socket.send(json.dumps(command | ({"sessionId": session} if session else {})))
        while True:
            answer: dict[str, Any] = json.loads(self._socket.recv(timeout=30))
            if answer.get("id") == self._sent:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                found: dict[str, Any] = answer["result"]
                return found

    def tab(self) -> Tab:
        """A new, empty tab."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        return Tab(self, self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def allow(self, *permissions: str) -> None:
        """Let every page do what a person would be asked about."""
        self.send("Browser.grantPermissions", permissions=list(permissions))


@contextlib.contextmanager
def running_chromium(program: str) -> Generator[Chromium]:
    """Start the browser, and end it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(  # noqa: S603 -- the person's own browser
            [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**bare_environ(), "HOME": profile},
            start_new_session=True,
        )
        try:
            with connect(_address(process), max_size=None) as socket:
                yield Chromium(socket)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stderr is not None:
                process.stderr.close()


def _address(process: "subprocess.Popen[str]") -> str:
    """Where the browser listens, from what it prints at its start."""
    said: list[str] = []
    read: Callable[[], str] = process.stderr.readline if process.stderr is not None else str
    while line := read():
        said.append(line)
        if found := _URL.search(line):
            return found[0]
    raise RuntimeError(f"the browser ended before it listened:\n{''.join(said)}")
