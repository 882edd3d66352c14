"""A real Chromium for tests of pages: `visit` opens one, and fails the test on console errors and outside requests."""

import importlib
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    missing = None
    if found is None:
        missing = f"no Chromium here: none of {', '.join(NAMES)} is on the PATH (Debian: apt install chromium)"
    elif importlib.util.find_spec("playwright") is None:
        missing = "no playwright here: pip install -e '.[dev]'"
    if missing:
        (pytest.fail if os.environ.get("CI", "").lower() in ("1", "true") else pytest.skip)(missing)
    api = importlib.import_module("playwright.sync_api")
    with api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"]
        chromium = playwright.chromium.launch(executable_path=found, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """``visit(path, **context)``: the page at a path or address; ``context`` as Playwright's: ``viewport``, …"""
    trouble: list[str] = []
    contexts = []

    def note_request(request: Any) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("file", "data", "blob") and url.hostname not in ("127.0.0.1", "localhost", "::1"):
            trouble.append(f"request: {request.url}")

    def visit(where: Path | str, **context: Any) -> Any:
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}))
        page = contexts[-1].new_page()
        page.on(
            "console",
            lambda message: (
                trouble.append(f"console: {message.text}") if message.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", note_request)
        page.goto(where.as_uri() if isinstance(where, Path) else where)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not trouble, trouble


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    """The sample documents of tests/report."""
    spec = importlib.util.spec_from_file_location("report_sample", Path(__file__).parents[1] / "report" / "sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
