"""The report is one well-formed JSON document, written piece by piece, without secrets."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from builder import clock
from builder.build import Request, build
from builder.findings import error, note, warning
from builder.ledger import Change, Kind
from builder.report import WOULD_RUN, CollectionReport, RunReport
from builder.tree import Action, Step
from tests.harvesting import define, run

NOW = datetime(2024, 1, 1, tzinfo=UTC)
SECRET = "https://me:pass@x.example/?token=abc"
FINDINGS = (error("a.b", SECRET, 'says "no"\n', "hint"), warning("c.d", "e", "f"))
CHANGES = tuple(Change(Kind.NEW, f"{SECRET}&n={n}", "first\nseen") for n in range(130))
RECORD = {"id": "a", "title": "A", "description": "Told.", "start": "2018-07-01", "point": [-51.0, 70.5]}
CLEAN = "https://x.example/?token=REDACTED"
COLLECTIONS = {
    "none": (),
    "bare": (CollectionReport("c", harvested=False),),
    "one change": (CollectionReport("c", harvested=True, counts={"new": 1}, changes=CHANGES[:1]),),
    "several": (
        CollectionReport("c", harvested=True, findings=FINDINGS, changes=CHANGES),
        CollectionReport("d", harvested=True, counts={"gone": 1}, findings=FINDINGS[:1]),
        CollectionReport("e", harvested=True, changes=CHANGES[:2]),
    ),
}


@pytest.mark.parametrize("collections", COLLECTIONS.values(), ids=COLLECTIONS)
def test_the_json_report_is_indented_as_a_whole_and_says_everything(collections):
    plan = (Step("a", Action.ADD),) if collections else ()
    text = b"".join(RunReport(NOW, NOW, collections, plan, FINDINGS if plan else ()).to_json()).decode()
    told = json.loads(text)
    assert text == json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    assert list(told) == ["started", "finished", "exit_status", "steps", "findings", "collections"]
    assert "pass" not in text
    assert "abc" not in text
    assert [one["id"] for one in told["collections"]] == [one.id for one in collections]
    for one, said in zip(collections, told["collections"], strict=True):
        changes = [{"kind": "new", "identifier": f"{CLEAN}&n={n}", "reason": "first\nseen"} for n in range(130)]
        assert said.get("changes", []) == changes[: len(one.changes)]
        assert [finding["message"] for finding in said.get("findings", [])] == [f.message for f in one.findings]
        assert said.get("counts", {}) == one.counts
        assert (said["harvested"], said["items"], said["partner"]) == (one.harvested, 0, "")


def test_what_changed_is_told_by_collection_with_what_went_wrong():
    gone = Change(Kind.GONE, "old", "withdrawn")
    collections = (
        CollectionReport("a", harvested=True, changes=(CHANGES[0], gone), findings=FINDINGS),
        CollectionReport("b", harvested=False, failed=True, findings=(error("x.y", "there", "is down"),)),
        CollectionReport("c", harvested=True, findings=(warning(WOULD_RUN, "run", "3 inputs"), FINDINGS[1])),
        CollectionReport("d", harvested=True, complete=False, changes=(gone,)),
    )
    assert [line.split("  (")[0] for line in RunReport(NOW, NOW, collections).changes_text()] == [
        "a: complete", f"  + {SECRET}&n=0", "  - old", f"  ! {SECRET}",
        "b: **failed**, last good kept", "  ! there",
        "  > run",
        "d: incomplete", "  - old",
    ]  # fmt: skip


def test_partners_find_errors_first_in_the_markdown_report_and_nothing_that_breaks_it():
    findings = (
        warning("a.a", "w", "is odd"),
        note("b.b", "n", "is fine"),
        error("c.c", SECRET, "has | and `this`\nand <b>", "do *that*"),
        error("c.c", "before", "is bad"),
    )
    text = RunReport(NOW, NOW, (CollectionReport("c", harvested=True, findings=findings),)).to_markdown()
    assert text[text.index("## c") :].splitlines()[2:] == [
        "- error `c.c` at `before`: is bad.",
        f"- error `c.c` at `{CLEAN}`: has \\| and 'this' and &lt;b>. *do *that**",
        "- warning `a.a` at `w`: is odd.",
    ]


@pytest.mark.parametrize(("number", "more"), [(50, []), (51, ["- … and 1 more, all in `report.json`"])])
def test_the_markdown_report_spells_out_fifty_findings(number, more):
    findings = tuple(warning("a.b", f"{n:03}", "is odd") for n in range(number))
    text = RunReport(NOW, NOW, (CollectionReport("c", harvested=True, findings=findings),)).to_markdown()
    assert [line for line in text.splitlines() if line.startswith("- ")][50:] == more


def test_a_plan_counts_the_runs_that_it_has_no_room_for():
    runs = tuple(warning(WOULD_RUN, f"{n:03}", "3 inputs") for n in range(99))
    text = RunReport(NOW, NOW, (CollectionReport("c", True, findings=runs, changes=CHANGES[:5]),)).to_markdown(
        planned=True
    )
    assert "- … and 4 more\n" in text
    assert "more" not in RunReport(
        NOW, NOW, (CollectionReport("c", True, findings=runs[:49], changes=CHANGES[:51]),)
    ).to_markdown(planned=True)


def test_a_plan_lists_a_hundred_changes_and_counts_the_rest():
    text = RunReport(NOW, NOW, COLLECTIONS["several"]).to_markdown(planned=True)
    assert text.count("- new `") == 102
    assert "- … and 30 more\n" in text
    assert text.count("… and") == 1
    assert "## Records of d" not in text


def test_a_run_takes_no_less_than_no_time_where_the_clock_is_set_back_meanwhile(tmp_path, monkeypatch):
    define(tmp_path / "collections", "c", {"type": "files", "records": [RECORD]}, license="CC0-1.0", enabled=True)
    hours = count()
    monkeypatch.setattr(clock, "now", lambda: NOW - timedelta(hours=next(hours)))
    asked = Request(tmp_path / "collections", tmp_path / "out", tmp_path / "state")
    for report in (build(asked, lambda _: None), run(tmp_path)):
        assert timedelta(0) <= report.finished - report.started < timedelta(minutes=2)
        assert "took -" not in report.to_markdown()
