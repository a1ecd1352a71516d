"""A browser, and a door that it can come to."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from tests.stores import free_port

__all__ = ["browser", "serving"]

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """This machine's own Chromium. One for each file: while it runs, nothing else in the process may run a loop."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=Path(found), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def serving(door: Any) -> Iterator[str]:
    """The address at which a door answers meanwhile."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(door, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        ends = time.monotonic() + PATIENCE
        while not server.started:
            assert time.monotonic() < ends, "it does not start"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
