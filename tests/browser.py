"""Headless Chromium, the npm packages that drive it and judge pages, and visits to pages with maps."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

TOOLS = ("axe-core@4.14.1", "html-validate@10.17.0", "puppeteer-core@25")
SCRIPT = Path(__file__).with_name("integration") / "map_check.mjs"


def chromium() -> str | None:
    """Path of the browser, under the name it has here."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def opened(tools: Path, pictures: Path, *visits: dict) -> list[dict]:
    """Open pages one after the other and act on them; what ``map_check.mjs`` found and which problems it saw."""
    command = ["node", str(SCRIPT), json.dumps(visits), chromium(), str(pictures)]
    done = subprocess.run(command, cwd=tools, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
