"""The report is one well-formed JSON document, written piece by piece, without secrets."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from builder.findings import error, warning
from builder.ledger import Change, Kind
from builder.report import CollectionReport, RunReport
from builder.tree import Action, Step

NOW = datetime(2024, 1, 1, tzinfo=UTC)
SECRET = "https://me:pass@x.example/?token=abc"
FINDINGS = (error("a.b", SECRET, 'says "no"\n', "hint"), warning("c.d", "e", "f"))
CHANGES = tuple(Change(Kind.NEW, f"{SECRET}&n={n}", "first\nseen") for n in range(130))
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


def test_a_plan_lists_a_hundred_changes_and_counts_the_rest():
    text = RunReport(NOW, NOW, COLLECTIONS["several"]).to_markdown(planned=True)
    assert text.count("- new `") == 102
    assert "- … and 30 more\n" in text
    assert text.count("… and") == 1
    assert "## Records of d" not in text
