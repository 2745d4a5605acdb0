"""The website in a real browser: accessible, light, and inert whatever the partners wrote."""

from __future__ import annotations

import json
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builder.index.writer import IndexWriter, write_index
from builder.pages.render import Renderer
from tests.browser import chromium
from tests.unit.pages_build import hostile_pages, website, write

pytestmark = pytest.mark.integration

SCRIPT = Path(__file__).with_name("site_check.mjs")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("site")
    write(root, website(Renderer()))
    for path, body in write_index(IndexWriter(root), (), root):
        (root / path).write_bytes(body if isinstance(body, bytes) else body.read_bytes())
    return root


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def base(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def visit(base, tools, tmp_path):
    return partial(visited, base, tools, tmp_path)


def visited(base: str, tools: Path, pictures: Path, paths: list[str]) -> dict:
    command = ["node", str(SCRIPT), base, json.dumps(paths), chromium(), str(pictures)]
    done = subprocess.run(command, cwd=tools, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_pages_are_accessible_and_light(folder, visit, tmp_path):
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html") if "hostile" not in path.name)
    found = visit(paths)
    assert found["problems"] == []
    assert len(list(tmp_path.glob("*.png"))) == 3 * len(paths), (
        "a picture of each, light, dark and narrow, for people to look at"
    )
    assert {path: n for path, n in found["requests"].items() if n > 6} == {}


LETTERS = {  # of Skolt Sámi all but Ǩ, which Source Sans does not have
    "Northern, Inari and Skolt Sámi": "ÁáČčĐđŊŋŠšŦŧŽž ÂâÄä ǤǥǦǧƷʒǮǯÕõÅå",
    "Greenlandic, Icelandic, Faroese": "ÆæØøÅå ÞþÐðÝýÖö ĸ",
    "Estonian, Latvian, Lithuanian, Polish, Czech, Turkish": "õäöü āčēģīķļņšūž ąęėįųū ąćęłńóśźż ěščřžýáíéúůďťň ğışç",
    "science": "δ¹⁸O µmol m⁻² s⁻¹ CO₂ ≤ ≥ ± × − ° ′ ″ – — … Δσ λ",
}


def test_no_letter_of_the_arctic_is_missing_in_the_fonts(folder, visit):
    lines = "".join(f'<p lang="x-{number}">{letters}</p>' for number, letters in enumerate(LETTERS.values()))
    page = (
        (folder / "about.html").read_text().replace("</main>", f"{lines}<p><code>ŊŋŠšĐđŽž 12 µm −3</code></p></main>")
    )
    (folder / "hostile-letters.html").write_text(page)
    found = visit(["hostile-letters.html"])
    assert found["fonts"]["hostile-letters.html"] == ["iAOS Code", "iAOS Sans"]
    (folder / "hostile-letters.html").write_text(page.replace("</main>", "<p>Арктика</p></main>"))
    found = visit(["hostile-letters.html"])
    assert len(found["fonts"]["hostile-letters.html"]) == 3  # would notice a letter from elsewhere


def test_pages_are_valid_html(folder, tools):
    validator = tools / "node_modules" / ".bin" / "html-validate"
    pages = [str(path) for path in sorted(folder.rglob("*.html")) if "hostile" not in path.name]
    done = subprocess.run([validator, *pages], cwd=tools, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_hostile_words_run_nothing(folder, visit, shared_data):
    pages = hostile_pages(Renderer(), shared_data)
    write(folder, pages)
    found = visit(sorted(pages))
    assert found["problems"] == []


def test_the_check_would_notice_a_script_that_runs(folder, visit):
    page = (folder / "about.html").read_bytes().replace(b"Content-Security-Policy", b"X")
    (folder / "hostile-proof.html").write_bytes(page.replace(b"<h1>", b"<img src=x onerror=alert(1)><h1>"))
    found = visit(["hostile-proof.html"])
    assert any("dialog 1" in problem for problem in found["problems"])
    assert any("active content" in problem for problem in found["problems"])
