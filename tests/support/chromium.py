"""A headless Chromium that is driven by key presses, over the pipe of its DevTools protocol.

The pipe needs no library: messages are JSON that ends with a zero byte, to descriptor 3 of the
browser and from its descriptor 4. Source: Chromium `content/public/common/content_switches.cc`,
`remote-debugging-pipe`.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 60  # of an answer; a busy machine starts a browser in ten
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--remote-debugging-pipe",
)
# What the browser itself would ask the network for is not of the page.
_QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync")
_CODES = {"Backspace": 8, "Tab": 9, "Enter": 13}


class Page:
    """A page of its own, as a person sees it: it is given keys, and read."""

    def __init__(self, browser: "Chromium", session: str) -> None:
        self._browser, self._session = browser, session

    def open(self, url: str, size: tuple[int, int] = (1280, 800)) -> None:
        """Go to an address, with a window of a size in pixels."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.call("Page.navigate", url=url)

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        code = _CODES.get(key, ord(key) if len(key) == 1 else 0)
        common = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def value(self, expression: str) -> Any:
        """What an expression, or the promise that it gives, comes to."""
        given = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = self.call("Runtime.evaluate", **given)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def await_that(self, condition: str) -> None:
        """Return when a condition holds; the page looks at it in each frame of its own."""
        self.value(
            f"new Promise(done => {{ const look = () => ({condition}) ? done() "
            ": setTimeout(look, 10); look(); })"
        )

    def screenshot(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        shot = self.call("Page.captureScreenshot")
        path.write_bytes(base64.b64decode(shot["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A call of the protocol, within the page."""
        return self._browser.call(method, self._session, **parameters)


class Chromium:
    """A running browser.

    Attributes:
        events: what it has told unasked, each with the `sessionId` of its page.
    """

    def __init__(self, requests: int, answers: int) -> None:
        self._requests, self._answers = requests, answers
        self._number, self._read = 0, b""
        self.events: list[dict[str, Any]] = []

    def page(self) -> Page:
        """A page with neither cookies nor a cache that any other has."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        return page

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """A call of the protocol; what the browser tells meanwhile is put aside."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": session} if session else {}
        os.write(self._requests, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, (method, told["error"])
                return told["result"]
            self.events.append(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            assert select.select([self._answers], [], [], TIMEOUT_S)[0], "Chromium says nothing"
            piece = os.read(self._answers, 1 << 16)
            assert piece, "Chromium has ended"
            self._read += piece
        first, _, self._read = self._read.partition(b"\0")
        return json.loads(first)


@contextmanager
def chromium() -> Iterator[Chromium]:
    """A browser with a profile of its own; it has ended when the block ends."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program, f"a browser is needed, one of {', '.join(PROGRAMS)}; Debian has it in chromium"
    to_read, requests = os.pipe()
    answers, to_write = os.pipe()

    def place() -> None:  # in the child: above all that is to be replaced, then at 3 and 4
        high = [os.dup2(fd, number) for number, fd in enumerate((to_read, to_write), 60)]
        for number, fd in enumerate(high, 3):
            os.dup2(fd, number)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *_FLAGS, *_QUIET, f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=place,
        )
        for descriptor in (to_read, to_write):
            os.close(descriptor)
        browser = Chromium(requests, answers)
        try:
            yield browser
            browser.call("Browser.close")
        finally:
            for descriptor in (requests, answers):
                os.close(descriptor)  # at which it ends by itself
            try:
                process.wait(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
