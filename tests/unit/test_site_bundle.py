"""The committed browser code is what its sources give: told by checksums, so that no Node is needed."""

from __future__ import annotations

import hashlib
import json
import re

from builder.resources import site_folder

SITE = site_folder()
SETTINGS = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")


def sums(names):
    return {name: hashlib.sha256((SITE / name).read_bytes()).hexdigest() for name in names}


def below(folder):
    return sorted(path.relative_to(SITE).as_posix() for path in (SITE / folder).rglob("*") if path.is_file())


def test_the_bundle_was_built_from_these_sources():
    built = json.loads((SITE / "built.json").read_text())
    assert built["sources"] == sums([*SETTINGS, *below("src")]), "run `npm ci && npm run build` in site/"
    assert built["bundle"] == sums(below("static/app"))


def test_the_bundle_asks_for_no_web_assembly_and_no_other_host():
    for name in below("static/app"):
        if name.endswith(".js"):
            code = (SITE / name).read_text()
            assert "WebAssembly." not in code, name
            assert "eval(" not in code, name


def test_the_entry_of_every_page_loads_nothing_before_it_is_asked():
    code = (SITE / "static/app/page.js").read_text()
    assert not re.findall(r"""\bimport\s*[{"']|\bfrom\s*["']""", code)
    assert len(re.findall(r"import\(`\./chunks/start-[\w-]+\.js`\)", code)) >= 2
    assert len(code) < 2_000


def test_licences_of_the_libraries_are_beside_the_bundle():
    said = (SITE / "static/app/licences.md").read_text()
    for library in ("zarrita", "hyparquet", "fzstd", "uplot", "## ol -", "## geotiff -"):
        assert library in said.lower()
