"""Chromium without a window, in which pages are opened, used and looked at.

It and its driver come from the system (on Debian: apt install chromium chromium-driver).
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

BINARY = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


@contextmanager
def chromium(width: int = 1280, height: int = 900, *, dark: bool = False) -> Iterator[Any]:
    """A browser that keeps what its console says, and what it asks the network for."""
    assert BINARY, "no chromium: apt install chromium"
    assert DRIVER, "no chromedriver: apt install chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = BINARY
    for each in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(each)
    options.add_argument(f"--window-size={width},{height}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield browser
    finally:
        browser.quit()


def open_page(browser: Any, path: Path, fragment: str = "") -> float:
    """Open a page; the seconds from asking for it until it can be used."""
    start = time.monotonic()
    browser.get("about:blank")
    browser.get(path.absolute().as_uri() + fragment)
    while not browser.execute_script("return window.R && R.times && R.times.ready"):
        state = browser.execute_script(
            "return (document.getElementById('state') || {}).textContent"
        )
        assert "could not" not in (state or ""), (state, browser.get_log("browser"))
        assert time.monotonic() - start < 60, browser.get_log("browser")
        time.sleep(0.02)
    return time.monotonic() - start


def requests(browser: Any) -> list[str]:
    """What was asked for since the last time, but the page itself and what lies in it."""
    found = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.append(message["params"]["request"]["url"])
    return [url for url in found if not url.startswith(("file:", "data:", "blob:", "about:"))]
