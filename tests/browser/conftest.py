"""A real browser, and a real system for it to look at."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from minisocial.system import System
from tests.scenarios.conftest import settings

playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 10_000  # milliseconds until something that does not appear is given up

OpenBrowser = Callable[..., Any]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("the browser tests need chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A running system without a community, which shows what each page touched."""
    system = System(settings(tmp_path / "data", teach=True))
    try:
        system.start()
        yield system
    finally:
        system.stop()


@pytest.fixture
def open_browser(chromium: Any, system: System) -> Iterator[OpenBrowser]:
    """Opens the browser of somebody: `open_browser(viewport=…)` gives a page; complaints of it fail the test."""
    complaints: list[str] = []
    contexts = []

    def complain(message: Any) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def open_one(**options: Any) -> Any:
        context = chromium.new_context(base_url=system.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []
