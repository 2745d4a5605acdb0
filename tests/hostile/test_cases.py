"""All 33 recorded hostile cases through the command line, each held to what its README demands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.hostile.demands import CHECKS, check
from tests.hostile.night import Work, good_partner, source_at, two_nights
from tests.servers.local import LocalServer

DATA = Path(os.environ.get("IAOS_TEST_DATA", REPOSITORY.parent / "shared" / "data")) / "hostile"
CASES = json.loads((DATA / "cases.json").read_bytes())["cases"] if (DATA / "cases.json").is_file() else []
DEMANDS = [(case["id"], demand) for case in CASES if case["adapter"] != "definition" for demand in case["demand"]]

pytestmark = pytest.mark.skipif(not CASES, reason=f"recorded hostile cases not found at {DATA} (set IAOS_TEST_DATA)")


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    return two_nights(DATA, tmp_path_factory.mktemp("nights"))


def test_every_case_is_here():
    assert len(CASES) == 33
    assert {case["adapter"] for case in CASES} == {
        "oai", "thredds", "ckan", "netcdf", "raster", "refs", "model", "definition",
    }  # fmt: skip


@pytest.mark.parametrize(("case", "demand"), DEMANDS, ids=lambda value: str(value).encode("ascii", "replace").decode())
def test_demand(nights, case, demand):
    check(nights, case, demand)


def test_the_catalogue_of_all_cases_is_valid(nights):
    done = nights.work.iaos("validate", "catalog")
    assert done.status == 0, done.said
    assert " 0 errors" in done.said


def test_every_page_of_all_cases_is_inert(nights):
    CHECKS["no_active_html"](nights, "", "")


def rejected(case, tmp_path, text=None):
    """Build with the bad definition beside a good one; return what was said, having asked no partner."""
    work = Work(tmp_path)
    with LocalServer(good_partner) as partner:
        work.define("good", source_at("ckan", partner.url))
        bad = (DATA / case / "bad.yml").read_text() if text is None else text
        (tmp_path / "collections" / "bad.yml").write_text(bad)
        done = work.iaos("build")
        assert partner.requests == []
    assert done.status == 2, done.said
    assert "Traceback" not in done.said
    assert not list(Path("/tmp").glob("iaos-escape*"))
    assert not (tmp_path / "catalog" / "catalog.json").exists()
    return done.said


def test_yaml_that_runs_code_is_refused_with_its_line(tmp_path):
    said = rejected("def-yaml-python", tmp_path)
    assert "bad.yml:2:8: tags are not allowed: !!python/object/apply:os.system" in said


def test_an_id_that_climbs_is_refused_with_its_line(tmp_path):
    said = rejected("def-path-escape", tmp_path)
    assert "bad.yml:1:5" in said
    assert "`id`" in said


def test_template_code_is_a_title_or_an_unknown_key(tmp_path):
    said = rejected("def-template-ssti", tmp_path)
    assert "bad.yml:3" in said
    assert "item_title" in said


def test_template_code_stays_literal(tmp_path):
    title = json.dumps("{{ cycler.__init__.__globals__.os.popen('touch /tmp/iaos-escape').read() }}")
    work = Work(tmp_path)
    with LocalServer(good_partner) as partner:
        work.define("good", source_at("ckan", partner.url), title=json.loads(title))
        assert work.iaos("build").status == 0
    assert not list(Path("/tmp").glob("iaos-escape*"))
    assert json.loads((tmp_path / "catalog/hostile/good/collection.json").read_bytes())["title"] == json.loads(title)
    assert "{{ cycler.__init__" in (tmp_path / "catalog/hostile/good/index.html").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "bad.yml:1:4: anchors are not allowed"),
        ("id: x\nid: y\n", "bad.yml:2:1: the key `id` stands twice"),
        ("\ufeffid: no\ntitle: 1\n", "`title`"),
        ("id: x\ntitel: y\n", "bad.yml:2:1"),
        ("id: " + "[" * 5000, "nested deeper than"),
    ],
    ids=["aliases", "twice", "bom", "typo", "nested"],
)
def test_further_definitions_are_refused_with_their_line(tmp_path, text, says):
    assert says in rejected("", tmp_path, text)
