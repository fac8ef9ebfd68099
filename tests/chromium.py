"""Debian's Chromium, headless, driven through its DevTools protocol."""

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
MISSING = "Chromium is needed to look at the pages: install it (on Debian and Ubuntu: apt install chromium)"


class Chromium:
    """A browser with one tab. ``said`` is what its console and its log have said."""

    def __init__(self) -> None:
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        assert program is not None, MISSING
        self.said: list[str] = []
        self._numbers = itertools.count(1)
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [
                *(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
                *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
                *("--remote-debugging-port=0", f"--user-data-dir={self._profile.name}", "about:blank"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        self._socket = self._connected()

    def _connected(self) -> ClientConnection:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if line.startswith("DevTools listening on "):
                break
        else:
            raise AssertionError("Chromium does not start")
        address = line.removeprefix("DevTools listening on ").strip()
        with connect(address, max_size=None, proxy=None) as browser:
            browser.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
            targets = json.loads(browser.recv(PATIENCE))["result"]["targetInfos"]
        tab = next(each["targetId"] for each in targets if each["type"] == "page")
        return connect(f"{address.partition('/devtools/')[0]}/devtools/page/{tab}", max_size=None, proxy=None)

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

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False, script: bool = True) -> None:
        """Show a file, and wait until it is loaded."""
        for domain in ("Page", "Log", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE)
        self._profile.cleanup()
