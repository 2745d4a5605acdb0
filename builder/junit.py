"""The report of a run in JUnit's XML, which forges show beside their tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from builder.findings import Severity
from builder.sources.redact import one_line

if TYPE_CHECKING:
    from builder.findings import Finding
    from builder.report import CollectionReport, RunReport


def junit(run: RunReport) -> bytes:
    """Render one suite per collection: the harvest is a case, and so is each error."""
    root = ET.Element("testsuites", name="iaos build")
    for collection in run.collections:
        root.append(_suite(collection))
    for finding in run.findings:
        if finding.severity is Severity.ERROR:
            root.append(_suite_of("catalogue", [_case("catalogue", finding)]))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'.encode()


def _suite(collection: CollectionReport) -> ET.Element:
    harvest = ET.Element("testcase", classname=collection.id, name="harvest")
    if not collection.harvested and not collection.failed:
        ET.SubElement(harvest, "skipped", message="not harvested in this run")
    errors = [finding for finding in collection.findings if finding.severity is Severity.ERROR]
    return _suite_of(collection.id, [harvest, *(_case(collection.id, finding) for finding in errors)])


def _suite_of(name: str, cases: list[ET.Element]) -> ET.Element:
    failed, skipped = (sum(case.find(tag) is not None for case in cases) for tag in ("failure", "skipped"))
    counts = {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": str(skipped)}
    suite = ET.Element("testsuite", {"name": name, **counts})
    suite.extend(cases)
    return suite


def _case(collection: str, finding: Finding) -> ET.Element:
    case = ET.Element("testcase", classname=collection, name=one_line(f"{finding.code} {finding.where}"))
    failure = ET.SubElement(case, "failure", message=one_line(finding.message), type=finding.code)
    failure.text = one_line(finding.hint)
    return case
