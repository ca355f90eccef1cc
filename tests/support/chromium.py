"""A small WebDriver client for headless Chromium over loopback: open a page, look at it, read its console and requests.

chromedriver speaks plain HTTP and JSON, so no browser library is needed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60
# Every name resolves to nowhere, so that a page can reach nothing but files.
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--allow-file-access-from-files",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def missing_programs() -> str:
    """What a browser test lacks here, in words; empty when nothing."""
    if not any(shutil.which(name) for name in CHROMIUM_NAMES):
        return "Chromium is not installed"
    return "" if shutil.which("chromedriver") else "chromedriver is not installed"


class Browser:
    """One window of headless Chromium."""

    def __init__(self, client: httpx2.Client, session: str) -> None:
        self._client = client
        self._session = session

    def command(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a WebDriver command of this session; raises RuntimeError with the driver's message."""
        answer = self._client.post(f"/session/{self._session}/{path}", json=body or {}).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{answer['error']}: {answer.get('message', '')[:300]}")
        return answer

    def cdp(self, method: str, **params: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self.command("goog/cdp/execute", {"cmd": method, "params": params})

    def look_like(self, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Size of the window in CSS pixels, light or dark as the reader's system says."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        value = "dark" if dark else "light"
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a file and wait until all charts are drawn and all formulas set."""
        self.command("url", {"url": page.resolve().as_uri() + fragment})
        self.run_async(
            """
            const done = arguments[arguments.length - 1];
            const started = Date.now();
            (function wait() {
              const charts = [...document.querySelectorAll("div.chart")].every((c) => c.dataset.drawn);
              const math = !window.MathJax || !window.MathJax.startup || !window.MathJax.startup.promise;
              if (charts && document.readyState === "complete" || Date.now() - started > 30000) {
                (math ? Promise.resolve() : window.MathJax.startup.promise).then(() => done(true));
              } else { setTimeout(wait, 30); }
            })();
            """
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """Value that a script returns in the page."""
        return self.command("execute/sync", {"script": script, "args": list(arguments)})

    def run_async(self, script: str, *arguments: Any) -> Any:
        """Value that a script hands to its callback."""
        return self.command("execute/async", {"script": script, "args": list(arguments)})

    def console(self) -> list[str]:
        """Messages of the console since last asked, warnings and worse."""
        entries = self.command("se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def requests(self) -> list[str]:
        """Addresses asked for since last asked."""
        entries = (json.loads(entry["message"])["message"] for entry in self.command("se/log", {"type": "performance"}))
        sent = [entry for entry in entries if entry["method"] == "Network.requestWillBeSent"]
        return [entry["params"]["request"]["url"] for entry in sent]

    def screenshot(self, file: Path) -> None:
        """The whole page as PNG: the window grows to the page, since capturing beyond it disturbs the layout."""
        width, height = self.run("return [window.innerWidth, document.documentElement.scrollHeight]")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.cdp("Emulation.setDeviceMetricsOverride", **size)
        self.run_async("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(1)));")
        file.write_bytes(b64decode(self.cdp("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium that ends with the block."""
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{_port(driver)}", timeout=SECONDS, trust_env=False) as client:
            session = client.post("/session", json={"capabilities": {"alwaysMatch": _capabilities()}}).json()["value"]
            try:
                yield Browser(client, session["sessionId"])
            finally:
                client.delete(f"/session/{session['sessionId']}")
    finally:
        driver.terminate()
        driver.wait(timeout=SECONDS)
        if driver.stdout:
            driver.stdout.close()


def _port(driver: subprocess.Popen[str]) -> int:
    for line in driver.stdout or ():
        if "started successfully on port" in line:
            return int(line.rsplit(" ", 1)[1].strip(" .\n"))
    raise RuntimeError("chromedriver ended before it opened a port")


def _capabilities() -> dict[str, Any]:
    binary = next(path for name in CHROMIUM_NAMES if (path := shutil.which(name)))
    return {
        "browserName": "chrome",
        "goog:chromeOptions": {"binary": binary, "args": list(ARGUMENTS), "perfLoggingPrefs": {"enableNetwork": True}},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "timeouts": {"script": SECONDS * 1000, "pageLoad": SECONDS * 1000},
    }
