"""Headless Chromium and the npm packages that drive it and judge pages."""

from __future__ import annotations

import shutil

TOOLS = ("axe-core@4.14.1", "html-validate@10.17.0", "puppeteer-core@25")


def chromium() -> str | None:
    """Path of the browser, under the name it has here."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
