"""Thirty nights with a partner down: the site is built each night, says so on one page, and one issue is opened."""

from __future__ import annotations

import json
import shlex
import shutil
import stat
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.cli import group
from builder.errors import UsageError
from builder.issues import OpenIssue, decide, open_issues, script
from builder.memory.nights import KEPT, Night, Outcome, failures, last_good, with_night
from builder.pages.render import Renderer
from builder.pages.status import SourceStatus, status_view
from tests.servers.local import Answer, LocalServer
from tests.system.test_commands import DEFINITION

FIRST = datetime(2024, 2, 10, 2, 17, tzinfo=UTC)
LISTING = b'<html><body><a href="a.csv">a.csv</a></body></html>'


class Partner:
    """A folder listing that can be taken away."""

    def __init__(self):
        self.up = True

    def __call__(self, request):
        if not self.up:
            return Answer(404, {"Content-Type": "text/html"}, b"<html>moved to https://x.example/?token=abc</html>")
        if request.path.endswith(".csv"):
            return Answer(200, {"Content-Type": "text/csv"}, b"time,lon,lat\n2020-01-01,10,80\n")
        return Answer(200, {"Content-Type": "text/html"}, LISTING)


@pytest.fixture
def night(tmp_path, monkeypatch):
    """Build on the n-th night; gives exit status and report."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections/village.yaml").write_text(DEFINITION)
    partner = Partner()
    with LocalServer(partner) as server:
        (tmp_path / "collections/buoys.yaml").write_text(
            "id: buoys\ntitle: Buoys\ndescription: Drifting.\npartner: {id: buoyers, name: Buoy people}\n"
            f"license: CC-BY-4.0\nsource: {{type: files, url: '{server.url}/data/', delay_s: 0}}\n"
        )

        def build(number, *words):
            monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int((FIRST + timedelta(days=number)).timestamp())))
            done = CliRunner().invoke(group, ["-q", "build", *words], standalone_mode=False, catch_exceptions=False)
            return done.return_value, json.loads((tmp_path / ".iaos/report.json").read_bytes())

        build.partner = partner
        yield build


class Forge:
    """Issues as a forge keeps them."""

    def __init__(self):
        self.issues = {}
        self.opened, self.closed = [], []

    def present(self):
        return [OpenIssue(number, title) for number, title in self.issues.items()]

    def carry_out(self, steps, number):
        for step in steps:
            if step.action == "open":
                self.issues[len(self.opened) + 1] = step.title
                self.opened.append((number, step))
            else:
                del self.issues[step.number]
                self.closed.append((number, step))


def test_one_partner_down_for_ten_nights_has_one_issue(night, tmp_path):
    forge = Forge()
    catalogues = []
    for number in range(14):
        night.partner.up = not 1 <= number <= 10
        status, report = night(number)
        assert status == (0 if night.partner.up else 3)
        forge.carry_out(decide(report, forge.present(), after=2), number)
        catalogues.append(
            {
                path.relative_to(tmp_path): path.read_bytes()
                for path in (tmp_path / "catalog").rglob("*")
                if path.is_file()
            }
        )
        if number == 10:
            page = (tmp_path / "catalog/status.html").read_text()
            told = json.loads((tmp_path / "catalog/status.json").read_bytes())
    assert [(n, step.partner) for n, step in forge.opened] == [(2, "buoyers")]
    assert [n for n, _ in forge.closed] == [11]
    assert forge.opened[0][1].title == "[iaos buoyers] cannot be harvested: buoys"
    changing = {str(p) for before, after in pairwise(catalogues) for p in before if before[p] != after[p]}
    assert changing == {"catalog/status.html", "catalog/status.json", "catalog/manifest.json"}
    assert '<time datetime="2024-02-10">2024-02-10</time> <small>10 failed nights since</small>' in page
    assert "Last 30 nights: 1 complete, 0 partial, 10 failed, 19 without a run" in page
    assert "HTTP status 404" in page
    assert "abc" not in page
    down = next(source for source in told["sources"] if source["collection"] == "Buoys")
    assert (down["last_good"], down["failures"], down["records"]) == ("2024-02-10", 10, 1)
    assert (told["built"], told["next_expected"]) == ("2024-02-20", "2024-02-21")


def test_a_second_run_of_a_night_and_a_rebuild_change_nothing(night, tmp_path):
    night(0)
    before = (tmp_path / "catalog/manifest.json").read_bytes()
    night(0)
    assert (tmp_path / "catalog/manifest.json").read_bytes() == before
    night(9, "--no-harvest")
    assert (tmp_path / "catalog/manifest.json").read_bytes() == before
    lines = (tmp_path / ".iaos/buoys/nights.ndjson").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"date": "2024-02-10", "outcome": "ok", "records": 1, "reason": ""}]


def test_a_night_asked_of_one_collection_says_nothing_of_the_other(night):
    night(0)
    night.partner.up = False
    assert night(1, "village")[0] == 0
    assert night(2)[1]["collections"][0]["nights_failed"] == 1


def test_a_damaged_memory_is_named(night, tmp_path):
    night(0)
    (tmp_path / ".iaos/buoys/nights.ndjson").write_text('{"date": 1}\n')
    with pytest.raises(UsageError, match="memory of past nights"):
        night(1)


outcomes = st.lists(st.tuples(st.integers(0, 200), st.sampled_from(Outcome)), max_size=60)
outcomes |= outcomes.map(lambda runs: sorted(runs, key=lambda run: run[0]))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(outcomes)
def test_memory_is_sorted_bounded_and_keeps_the_last_good_night(runs):
    nights = ()
    for day, outcome in runs:
        nights = with_night(nights, Night(date.fromordinal(738000 + day).isoformat(), outcome, 1))
        dates = [night.date for night in nights]
        assert dates == sorted(set(dates))
        assert len(nights) <= KEPT + 1
        assert nights[-1].outcome is outcome
    if [day for day, _ in runs] == sorted(day for day, _ in runs):
        kept = dict(runs)
        good = [day for day, outcome in kept.items() if outcome is not Outcome.FAILED]
        assert last_good(nights) == (date.fromordinal(738000 + max(good)).isoformat() if good else None)
        assert failures(nights) == len([day for day in kept if day > max([max(kept) - KEPT, *good])])


def test_nights_that_a_wrong_clock_dated_later_are_dropped():
    nights = with_night((), Night("2024-03-01", Outcome.OK, 5))
    assert len(with_night(nights, Night("2098-01-01", Outcome.FAILED, 5))) == 2
    after = with_night(with_night(nights, Night("2098-01-01", Outcome.FAILED, 5)), Night("2024-03-02", Outcome.OK, 6))
    assert after == (*nights, Night("2024-03-02", Outcome.OK, 6))


def report_of(*collections):
    return {
        "collections": [
            {
                "id": c,
                "partner": p,
                "failed": state == "failed",
                "harvested": state == "ok",
                "nights_failed": 3,
                "findings": [],
            }
            for c, p, state in collections
        ]
    }


def test_an_issue_stays_while_a_source_of_the_partner_was_not_asked():
    present = [OpenIssue(7, "[iaos imr] cannot be harvested: ctd"), OpenIssue(8, "A question of a reader")]
    assert decide(report_of(("ctd", "imr", "not asked"), ("ice", "imr", "ok")), present) == []
    (step,) = decide(report_of(("ctd", "imr", "ok"), ("ice", "imr", "ok")), present)
    assert (step.action, step.number) == ("close", 7)
    (step,) = decide(report_of(("x", "awi", "ok")), present)
    assert step.body == "This partner is asked no longer."


def test_an_issue_is_opened_after_as_many_nights_as_asked():
    report = report_of(("ctd", "imr", "failed"))
    assert [step.action for step in decide(report, [], after=3)] == ["open"]
    assert decide(report, [], after=4) == []


@settings(deadline=None)
@given(st.text(), st.text())
def test_commands_for_the_forge_pass_any_words_through_a_shell_unharmed(where, message):
    report = report_of(("ctd", "imr", "failed"))
    report["collections"][0]["findings"] = [{"severity": "error", "where": where, "message": message}]
    (step,) = decide(report, [])
    assert shlex.split(next(script([step], "gh"))) == [
        "gh", "issue", "create", "--title", step.title, "--body", step.body, "--label", "iaos-partner",
    ]  # fmt: skip
    fence = step.body.splitlines()[2].removesuffix("text")
    assert step.body.count(f"\n{fence}") == 2


def test_the_command_drives_a_forge_through_a_real_shell(night, tmp_path, monkeypatch):
    night.partner.up = False
    night(0)
    fake = tmp_path / "bin/gh"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nprintf "%s\\0" "$@" >> calls\n')
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)

    def commands(*words):
        done = CliRunner().invoke(
            group, ["issues", ".iaos/report.json", *words], standalone_mode=False, catch_exceptions=False
        )
        return done.output

    assert json.loads(commands()) == []
    assert [step["partner"] for step in json.loads(commands("--after", "1"))] == ["buoyers"]
    subprocess.run(
        [shutil.which("sh")], input=commands("--after", "1", "--format", "gh").encode(), check=True,
        env={"PATH": f"{fake.parent}:/usr/bin:/bin"},
    )  # fmt: skip
    calls = (tmp_path / "calls").read_bytes().split(b"\0")
    assert calls[:4] == [b"issue", b"create", b"--title", b"[iaos buoyers] cannot be harvested: buoys"]
    (tmp_path / "open.json").write_text('[{"number": 4, "title": "[iaos buoyers] cannot be harvested: buoys"}]')
    assert json.loads(commands("--after", "1", "--open", "open.json")) == []
    night.partner.up = True
    night(1)
    assert commands("--open", "open.json", "--format", "gh").startswith("gh issue close 4 --comment ")
    (tmp_path / "open.json").write_text('[{"iid": 4, "title": "[iaos buoyers] cannot be harvested: buoys"}]')
    assert commands("--open", "open.json", "--format", "glab").splitlines()[1] == "glab issue close 4"


@pytest.mark.parametrize("listed", [{"message": "Bad credentials"}, [{"title": "x"}], 3, ["x"]])
def test_what_is_no_list_of_issues_is_refused(listed):
    with pytest.raises(UsageError, match="not a list of issues"):
        open_issues(listed)


def test_a_foreign_report_is_refused():
    with pytest.raises(UsageError, match="not a report"):
        decide({"collections": [{"id": "x"}]}, [])


def test_the_junit_report_counts_what_failed(night, tmp_path):
    night.partner.up = False
    night(0)
    suites = {s.get("name"): s for s in ET.parse(tmp_path / ".iaos/junit.xml").getroot()}
    assert {name: (s.get("tests"), s.get("failures")) for name, s in suites.items()} == {
        "buoys": ("2", "1"),
        "village": ("1", "0"),
    }
    assert "404" in suites["buoys"].find("testcase/failure").get("message")
    night(1, "village")
    suites = {s.get("name"): s for s in ET.parse(tmp_path / ".iaos/junit.xml").getroot()}
    assert suites["buoys"].get("skipped") == "1"


def test_a_plan_in_markdown_lists_the_records_and_touches_nothing(night, tmp_path):
    done = CliRunner().invoke(group, ["plan", "--markdown"], standalone_mode=False, catch_exceptions=False)
    assert done.output.startswith("# What a build would change\n")
    assert "- new `walrus`: first seen" in done.output
    assert not (tmp_path / ".iaos").exists()


SOURCE = SourceStatus(
    "Ice & snow", "p/c/index.html", "P <b>", "oai-pmh", 1200, None, 0, "<script>", {"2024-03-01": "partial"}
)


def test_the_status_page_escapes_and_shows_days_without_a_run():
    later = replace(SOURCE, nights={"2024-03-03": "ok"})
    view = status_view([SOURCE, later])
    assert [bar.outcome for bar in view.rows[0].strip[-3:]] == ["partial", "none", "none"]
    page = Renderer().status([SOURCE, later]).decode()
    assert "<script>" not in page
    assert "P &lt;b&gt;" in page
    assert "1,200" in page
    assert b"No source has been asked yet." in Renderer().status([])
