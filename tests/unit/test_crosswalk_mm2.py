"""MM2 records of DAMOCLES, predecessors of INTAROS: counts and odd boxes as PROVENANCE.md of the recording states."""

from __future__ import annotations

import pytest

from builder.crosswalks.mm2 import describe
from builder.errors import RecordError
from builder.geometry.footprint import footprint
from builder.sources.protocol import Record

SUSPICIOUS = {"ARKXXIII2", "ark23", "pops"}
"""Families whose boxes were written west first (column "suspicious" of the table)."""


@pytest.fixture(scope="module")
def records(shared_data):
    folder = shared_data / "harvest" / "iso" / "damocles-mm2"
    found = {}
    for file in sorted(folder.rglob("*.xml")):
        name = file.relative_to(folder).with_suffix("").as_posix()
        sidecar = file.with_suffix(".xmd").read_bytes()
        record = Record(
            name, "mm2", file.read_bytes(), "application/xml", f"https://example.org/{name}.xml", companion=sidecar
        )
        found[name] = describe(record)
    return found


def test_the_totals_of_the_table(records):
    assert len(records) == 222
    live = {name: dataset for name, dataset in records.items() if dataset.status == "published"}
    assert len(live) == 219
    assert sum(bool(dataset.coverage.boxes) for dataset in records.values()) == 196
    assert sum(bool(dataset.coverage.start or dataset.coverage.end) for dataset in records.values()) == 210


def test_deleted_records_are_withdrawn(records):
    gone = {name for name, dataset in records.items() if dataset.status == "withdrawn"}
    assert "FSmoorings" in gone
    assert len(gone) == 3


def test_boxes_read_east_first_are_where_the_instruments_were(records):
    mooring = footprint(records["FSmoorings-2005-2006"].coverage, "eswn")
    assert mooring.bbox[1] == pytest.approx(78.8166667)
    west, _, east, _ = footprint(records["FSmoorings-2005-2006"].coverage, "eswn").bbox
    assert -8 < west < east < 9


def test_boxes_written_west_first_are_noticed(records):
    from dataclasses import replace

    noticed = set()
    for name, dataset in records.items():
        result = footprint(replace(dataset.coverage, geometry=None), "eswn", name)
        if any("west first" in finding.message or "crossing" in finding.message for finding in result.findings):
            noticed.add(name.split("/")[0])
    assert noticed >= SUSPICIOUS


@pytest.mark.parametrize("family", ["itp12", "itp14", "itp28"])
def test_drift_across_180_degrees_is_drawn_by_its_points(records, family):
    children = [dataset for name, dataset in records.items() if name.startswith(f"{family}/")]
    for dataset in children:
        result = footprint(dataset.coverage, "eswn")
        assert result.geometry["type"] in {"Point", "MultiPoint"}
        assert result.bbox[1] > 74


def test_planned_activity_has_neither_place_nor_time(records):
    planned = records["IPF_1"]
    assert planned.coverage.geometry is None
    assert planned.coverage.boxes == ()
    assert planned.coverage.start is None
    assert planned.resources == ()


def test_restricted_is_restricted(records):
    assert records["FSmoorings-2005-2006"].access.restricted  # distribution_statement: Restricted to Damocles
    assert not records["itp12"].access.restricted  # Free


def test_something_else_is_refused():
    with pytest.raises(RecordError):
        describe(Record("x", "mm2", b"<html/>", "text/html", "u"))
