# /// script
# dependencies = ["nox[uv]>=2025.2.9"]
# ///
"""Everything that checks or shows the project, one session per question."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "contracts", "schema", "tests", "docs", "wheel"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
HERE = Path(__file__).parent
WORKERS = str(1 + (os.cpu_count() or 1))
"""Tests wait for servers and child processes much of the time."""


def group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def tests(session: nox.Session) -> None:
    """Unit, property and system tests; arguments go to pytest."""
    session.install("-e", ".", *group("tests"))
    session.run("pytest", "-n", WORKERS, "--dist", "loadfile", "-m", "not integration and not slow", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Large cases of what the other tests look at in small."""
    session.install("-e", ".", *group("tests"))
    session.run("pytest", "-n", "auto", "--dist", "loadfile", "-m", "slow", *session.posargs)


@nox.session
def integration(session: nox.Session) -> None:
    """The same builder against CKAN, OAI-PMH provider, nginx, pydap, MapServer and Ceph RadosGW; Chromium."""
    session.install("-e", ".", *group("tests"))
    session.run("pytest", "-n", WORKERS, "--dist", "loadfile", "-m", "integration", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, spelling, and (by notifying them) types and import contracts."""
    session.install(*group("lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("codespell")
    workflows = sorted(str(file) for file in (HERE / ".github" / "workflows").glob("*.yml"))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run(
        "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", ".gitlab-ci.yml"
    )
    session.notify("types")
    session.notify("contracts")


@nox.session
def types(session: nox.Session) -> None:
    """Check the annotations with mypy, strict."""
    session.install("-e", ".", *group("lint"))
    session.run("mypy")


@nox.session
def contracts(session: nox.Session) -> None:
    """Check that no module imports what the architecture forbids."""
    session.install("-e", ".", *group("lint"))
    session.run("lint-imports")


@nox.session
def schema(session: nox.Session) -> None:
    """Check that collections/schema.json is current (`-- --write` renews it) and the shipped definitions are valid."""
    session.install("-e", ".")
    session.run("iaos", "schema", *(session.posargs or ["--check"]))
    session.run("iaos", "check")


@nox.session
def names(session: nox.Session) -> None:
    """Check that the CF standard names are those of the newest compliance-checker (`-- --write` renews them)."""
    session.install("lxml")
    session.install("--no-deps", "compliance-checker")
    session.run("python", "tests/tools/make_standard_names.py", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Harvest the embedded partners, build catalogue and website, and serve them (`-- --no-serve` only builds)."""
    session.install("-e", ".")
    session.run("iaos", "demo", *session.posargs)


@nox.session
def notebooks(session: nox.Session) -> None:
    """Run the notebooks below docs/notebooks on the demo's catalogue; the session `tests` does so too."""
    session.install("-e", ".", *group("tests"))
    session.run("pytest", "tests/system/test_demo.py", "-k", "notebooks", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into build/docs; a broken link fails."""
    session.install("-e", ".", *group("docs"))
    session.run("mkdocs", "build", "--strict", "--quiet")


@nox.session
def site(session: nox.Session) -> None:
    """Build the browser code anew; it must give the committed bytes. Needs Node."""
    session.chdir(HERE / "site")
    session.run("npm", "ci", "--no-audit", "--no-fund", external=True)
    session.run("npm", "run", "build", external=True)
    session.run("git", "diff", "--exit-code", "--", "static/app", "built.json", external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Ratios against named peers, each measured in one run; not part of CI."""
    session.install("-e", ".", *group("bench"))
    for script in sorted((HERE / "tests" / "bench").glob("bench_*.py")):
        session.run("python", str(script), *session.posargs)


@nox.session(name="bench-site")
def bench_site(session: nox.Session) -> None:
    """Bytes, requests and first paint of the website over a slow link. Needs npm and Chromium."""
    session.install("-e", ".", *group("tests"))
    session.run("python", "tests/bench/site.py", *session.posargs)


@nox.session(name="stac-browser")
def stac_browser(session: nox.Session) -> None:
    """Build STAC Browser from npm and open every object of the demo in it. Needs npm and Chromium; takes minutes."""
    session.install("-e", ".", *group("tests"))
    session.run("pytest", "tests/clients/stac_browser.py", *session.posargs)


@nox.session
def qgis(session: nox.Session) -> None:
    """Open every item and image of the demo in QGIS. Needs Debian's python3-qgis and qgis-providers."""
    session.install("-e", ".", *group("tests"))
    session.run("pytest", "tests/clients/layers_in_qgis.py", *session.posargs)


@nox.session
def drills(session: nox.Session) -> None:
    """Faults, kills, full disks and hostile input, with figures; writes build/drills.json and build/drills.md."""
    session.install("-e", ".", *group("tests"))
    session.run("python", "-m", "tests.drills", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it alone, and run the demo from an empty directory."""
    session.install("build", "check-wheel-contents")
    shutil.rmtree(HERE / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--wheel", "--outdir", "dist", silent=True)
    built = next((HERE / "dist").glob("*.whl"))
    session.run("check-wheel-contents", "--ignore", "W002,W004,W009", str(built))
    session.install("--force-reinstall", "--no-deps", str(built))
    session.install(str(built))
    with tempfile.TemporaryDirectory() as empty:
        session.chdir(empty)
        session.run("iaos", "demo", "--no-serve", "--out", "demo")
        session.run("iaos", "validate", "demo")


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject.toml allows."""
    session.install("-e", ".", *group("tests"), "--resolution", "lowest-direct", env={**os.environ})
    session.run("pytest", "-n", "auto", "--dist", "loadfile", "-m", "not integration", *session.posargs)
