"""Each of the faults of tests/drills/drill_faults.py, passing and lasting, on a part of its matrix."""

from __future__ import annotations

import pytest

from tests.drills.faultmatrix import ADAPTERS, Case, cases, drill, few
from tests.servers.faults import R1


@pytest.mark.parametrize("case", list(few()), ids=str)
def test_a_passing_fault_loses_nothing_and_a_lasting_one_keeps_the_last_good_state(case):
    outcome = drill(case)
    assert not outcome.startswith("BAD")
    assert outcome.startswith("complete" if case.times else ("last good state", "read on", "of no effect"))


def test_the_whole_matrix_is_faults_by_adapters_by_pages_by_times():
    assert len(R1) == 22  # operations.md, R1: 18, those with Retry-After with two statuses, slow-loris in two ways
    assert len(set(cases())) == len(R1) * len(ADAPTERS) * 3 * 3


def test_the_drill_notices_a_harvest_that_loses_records(monkeypatch):
    """sickle's way: half a document is read as far as it goes (operations.md, section 0)."""
    from lxml import etree

    monkeypatch.setattr(
        "builder.invcatalog.reader.parse_xml",
        lambda body, where, doctype=False: etree.fromstring(body, etree.XMLParser(recover=True)),
    )
    assert drill(Case("thredds", "cut, true length", 1, 0)) == "BAD: records lost or changed"
