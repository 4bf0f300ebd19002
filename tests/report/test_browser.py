"""The page in a real browser: a phone's width without overflow, both themes, no error in the console."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from card_dataset import SMALL, made

from surecast.report.card import write_card

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)  # fmt: skip

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser: none of {', '.join(NAMES)} is installed")

MEASURE = """(() => {
  const wide = [...document.querySelectorAll('body *')].filter(node =>
    !node.closest('.scroll, svg, thead') && node.getBoundingClientRect().right > innerWidth + 0.5);
  return {page: document.documentElement.scrollWidth, window: innerWidth,
          wide: wide.map(node => node.outerHTML.slice(0, 90)),
          background: getComputedStyle(document.body).backgroundColor,
          line: getComputedStyle(document.documentElement).getPropertyValue('--series-1').trim(),
          smallest: Math.min(...[...document.querySelectorAll('figure svg[role=img] text')]
            .map(node => node.getBoundingClientRect().height).filter(height => height > 0))};
})()"""


class Browser:
    """Chromium through its debugging pipe: JSON messages, each ended by a zero byte."""

    def __init__(self, folder: Path) -> None:
        read, self._write = os.pipe()
        self._read, write = os.pipe()

        def connect() -> None:
            os.dup2(read, 3)
            os.dup2(write, 4)

        command = [str(BROWSER), *FLAGS, f"--user-data-dir={folder}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, preexec_fn=connect, close_fds=False, **quiet)  # type: ignore[call-overload]
        os.close(read)
        os.close(write)
        self._buffer, self._count = b"", 0
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self.events.append(answer)

    def wait(self, event: str) -> None:
        """Wait for an event."""
        while all(seen.get("method") != event for seen in self.events):
            self.events.append(self._receive())

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._read, 1 << 16)
            assert piece, "the browser ended"
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def close(self) -> None:
        """End the browser."""
        self._process.kill()
        self._process.wait()
        os.close(self._read)
        os.close(self._write)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1280, "dark")])
def test_page_in_a_browser(written: Any, tmp_path: Path, width: int, scheme: str) -> None:
    check(written.page, tmp_path, width, scheme)


def test_card_in_a_browser(tmp_path: Path) -> None:
    write_card(made(tmp_path / "study", SMALL), tmp_path / "card.html")
    check(tmp_path / "card.html", tmp_path, 390, "dark")


def check(page: Path, tmp_path: Path, width: int, scheme: str) -> None:
    """Open a page, measure it, look for whatever went wrong."""
    browser = Browser(tmp_path / "profile")
    try:
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 500
        )
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.call("Page.navigate", url=page.as_uri())
        browser.wait("Page.loadEventFired")
        seen = browser.call("Runtime.evaluate", expression=MEASURE, returnByValue=True)["result"]["value"]
        # Everything opened, a phone still needs no sideways scrolling.
        browser.call(
            "Runtime.evaluate", expression="document.querySelectorAll('details').forEach(one => one.open = true)"
        )
        opened = browser.call("Runtime.evaluate", expression=MEASURE, returnByValue=True)["result"]["value"]
    finally:
        browser.close()
    for measured in (seen, opened):
        assert measured["window"] == width
        assert measured["page"] <= width
        assert measured["wide"] == []
    assert seen["background"] == {"light": "rgb(246, 246, 243)", "dark": "rgb(16, 19, 23)"}[scheme]
    assert seen["line"] == {"light": "#0b62a4", "dark": "#63b0ee"}[scheme]
    assert seen["smallest"] > 9
    problems = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Network.loadingFailed")
    assert [event for event in browser.events if event.get("method") in problems] == []
    sent = [event["params"] for event in browser.events if event.get("method") == "Network.requestWillBeSent"]
    assert all(one["request"]["url"].startswith(("data:", page.as_uri())) for one in sent)
