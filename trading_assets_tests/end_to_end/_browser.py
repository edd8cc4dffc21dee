"""Headless Chromium, driven the way a user looks at pages."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_TOASTS = "[data-sonner-toast], [class*=toast], [class*=Toast], [role=alert]"
_OPEN_GROUPS = "asset-graph-open-graph-nodes-global-__GLOBAL__"


class Browser:
    """One window on the web UI.

    Parameters
    ----------
    driver : selenium.webdriver.Chrome
        Running browser.
    url : str
        Root of the web UI.
    screenshots : pathlib.Path
        Folder for what the user would have seen.
    """

    def __init__(self, driver: Any, url: str, screenshots: Path) -> None:
        self.driver = driver
        self._url = url
        self._screenshots = screenshots

    def open(self, path: str, *expected: str, timeout: float = 90) -> str:
        """Open a page and wait until it shows some texts; returns all its text."""
        self.driver.get(self._url + path)
        return self.wait_for_text(*expected, timeout=timeout)

    def wait_for_text(self, *expected: str, timeout: float = 90) -> str:
        """Wait until the page shows some texts; returns all its text."""
        deadline = time.monotonic() + timeout
        while True:
            shown = self.text()
            missing = [text for text in expected if text.lower() not in shown.lower()]
            if not missing:
                return shown
            if time.monotonic() > deadline:
                picture = self.screenshot("missing")
                message = f"{self.driver.current_url} does not show {missing}; see {picture}; it shows:\n{shown}"
                raise AssertionError(message)
            time.sleep(0.5)

    def wait_for(self, probe: Callable[[], T | None], timeout: float = 30) -> T:
        """Wait until a look at the page gives something."""
        deadline = time.monotonic() + timeout
        while (found := probe()) is None:
            assert time.monotonic() < deadline, f"it does not come; see {self.screenshot('missing')}"
            time.sleep(0.5)
        return found

    def text(self) -> str:
        """All text of the page."""
        return str(self.driver.execute_script("return document.body ? document.body.innerText : ''"))

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page."""
        return self.driver.execute_script(script, *arguments)

    def click(self, text: str, *, nth: int = 0, timeout: float = 30) -> None:
        """Click what has exactly this text."""
        from selenium.webdriver.common.by import By

        deadline = time.monotonic() + timeout
        while True:
            found = self.driver.find_elements(By.XPATH, f"//*[normalize-space(text())='{text}']")
            shown = [element for element in found if element.is_displayed()]
            if len(shown) > nth:
                shown[nth].click()
                return
            assert time.monotonic() < deadline, f"nothing to click says {text!r}; see {self.screenshot('click')}"
            time.sleep(0.5)

    def errors(self) -> list[str]:
        """Texts of error messages that pop up over the page."""
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.innerText).filter(Boolean)"
        return [str(text) for text in self.run(script, _TOASTS)]

    def open_lineage(self, groups: Sequence[str]) -> None:
        """Open the lineage of all assets with groups unfolded, drawn downwards, fitted into the window."""
        self.open("/asset-groups", "Global asset lineage", *groups)
        unfolded = {"expanded": ",".join(f"global@global:{group}" for group in groups)}
        preferences = {
            "asset-graph-direction": '"vertical"',
            "asset-node-facets": '["status","asset-checks","latest-event","kind-tag"]',
            "dagster-nav-collapsed": "true",
            "large-screen-nav-open": "false",
            _OPEN_GROUPS: json.dumps(unfolded),
        }
        for name, value in preferences.items():
            self.run("localStorage.setItem(arguments[0], arguments[1])", name, value)
        self.open("/asset-groups", "Global asset lineage", *groups)
        self.run("document.querySelector('button [aria-label=panel_show_right]').closest('button').click()")
        time.sleep(1)
        self._double_click_below_the_graph()
        time.sleep(2)

    def _double_click_below_the_graph(self) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        height = int(self.run("return window.innerHeight"))
        ActionChains(self.driver).move_by_offset(150, height - 30).double_click().perform()

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the window."""
        path = self._screenshots / f"{name}.png"
        self.driver.save_screenshot(str(path))
        return path


@contextmanager
def open_browser(url: str, folder: Path, size: tuple[int, int] = (1800, 1000)) -> Iterator[Browser]:
    """Start headless Chromium with a profile of its own; skips the test where there is none."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.skip("chromium and chromedriver are not installed (Debian: apt install chromium chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={size[0]},{size[1]}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    try:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False},
        )
        yield Browser(driver, url, folder)
    finally:
        driver.quit()
