"""Requests, bytes and first paint of each kind of page over an emulated satellite link, beside STAC Browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from builder.media import media_type
from builder.pages.render import Renderer
from builder.publish.headers import COMPRESSED, compress
from tests.unit.pages_build import website

SCRIPT = Path(__file__).with_name("site.mjs")
TOOLS = ("puppeteer-core@25",)
MOST_REQUESTS, MOST_KIB, MOST_PAINT_S = 6, 70.0, 2.0
"""Goals of the design for a first visit without interaction."""
PEERS = (
    ("STAC Browser, root of 10 collections", 166, 563, 15.5),
    ("STAC Browser, collection of 200 items", 216, 747, 15.6),
    ("STAC Browser, item", 263, 1006, 15.6),
)
"""STAC Browser 5.1.0-rc.1, measured once on the same kind of link when the website was designed; not measured here."""


class Published(SimpleHTTPRequestHandler):
    """Serves files as `iaos publish` stores them: pages, styles and scripts compressed."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Say nothing."""

    def do_GET(self):
        """Answer with a file and its length."""
        file = Path(self.translate_path(self.path))
        if not file.is_file():
            self.send_error(404)
            return
        body, kind = file.read_bytes(), media_type(file.name)
        packed = kind.split(";")[0] in COMPRESSED
        body = compress(body) if packed else body
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)


def measure(folder: Path, paths: list[str], chromium: str) -> list[dict]:
    """Open pages one after the other, each in a browser that has seen nothing."""
    with tempfile.TemporaryDirectory() as tools:
        Path(tools, "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *TOOLS], cwd=tools, check=True)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Published, directory=str(folder)))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            base = f"http://127.0.0.1:{server.server_port}/"
            command = ["node", str(SCRIPT), base, json.dumps(paths), chromium]
            done = subprocess.run(command, cwd=tools, capture_output=True, text=True, check=True)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
    return json.loads(done.stdout)


def main() -> int:
    """Print one line per page; status 1 where one misses a goal."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None or shutil.which("npm") is None:
        print("needs Chromium and npm")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        files = website(Renderer())
        for path, data in files.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        paths = sorted(path for path in files if path.endswith(".html"))
        found = measure(Path(folder), paths, chromium)
    print(f"{'page':46} {'requests':>8} {'KiB':>7} {'first paint':>12}")
    missed = 0
    for one in found:
        kib, paint = one["bytes"] / 1024, one["paint"] / 1000
        miss = one["requests"] > MOST_REQUESTS or kib > MOST_KIB or paint > MOST_PAINT_S
        missed += miss
        print(f"{one['path']:46} {one['requests']:8} {kib:7.1f} {paint:10.2f} s{'  misses a goal' if miss else ''}")
    for name, requests, kib, paint in PEERS:
        print(f"{name:46} {requests:8} {kib:7.1f} {paint:10.2f} s")
    print(f"goals: {MOST_REQUESTS} requests, {MOST_KIB:g} KiB, {MOST_PAINT_S:g} s; missed by {missed} of {len(found)}")
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
