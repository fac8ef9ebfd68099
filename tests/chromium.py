"""Debian's Chromium, headless, driven through its DevTools protocol."""

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0
HEIGHT = 900
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
MISSING = "Chromium is needed to look at the pages: install it (on Debian and Ubuntu: apt install chromium)"


class Chromium:
    """A browser with one tab. ``said`` is what its console and its log have said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._numbers = itertools.count(1)
        self._stack = contextlib.ExitStack()
        self._socket: ClientConnection

    def __enter__(self) -> Self:
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        assert program is not None, MISSING
        profile = self._stack.enter_context(tempfile.TemporaryDirectory("-chromium", ignore_cleanup_errors=True))
        process = subprocess.Popen(
            [
                *(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
                *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
                *("--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        self._stack.callback(process.communicate, timeout=PATIENCE)
        self._stack.callback(process.terminate)
        assert process.stderr is not None
        self._socket = self._stack.enter_context(_tab(process.stderr))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def call(self, method: str, **parameters: Any) -> Any:
        """One command of the protocol; what it answers."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = self._received()
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]

    def _received(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv(PATIENCE))
        match message.get("method"):
            case "Log.entryAdded":
                self.said.append(message["params"]["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.said.append(json.dumps(message["params"]))
        return message

    def open(self, page: Path, *, width: int = 1280, dark: bool = False, script: bool = True) -> None:
        """Show a file, and wait until it is loaded."""
        for domain in ("Page", "Log", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=HEIGHT, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=page.resolve().as_uri())
        while self._received().get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page, as JSON has it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """Save what is to be seen as a PNG image, the whole page or what fits in the window."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(answer["data"]))


def _tab(said: Iterable[str]) -> contextlib.AbstractContextManager[ClientConnection]:
    """A connection to the only tab of a browser that has just been started."""
    address = next((line for line in said if line.startswith("DevTools listening on ")), "")
    assert address, "Chromium does not start"
    address = address.removeprefix("DevTools listening on ").strip()
    with connect(address, max_size=None, proxy=None) as browser:
        browser.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        targets = json.loads(browser.recv(PATIENCE))["result"]["targetInfos"]
    tab = next(each["targetId"] for each in targets if each["type"] == "page")
    return connect(f"{address.partition('/devtools/')[0]}/devtools/page/{tab}", max_size=None, proxy=None)
