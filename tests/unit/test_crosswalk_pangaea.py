"""PANGAEA: the renderings of one dataset agree, and pan_md keeps what only it says (expected: PROVENANCE.md)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from builder.crosswalks import describe
from builder.crosswalks.dois import same_doi
from builder.crosswalks.panmd import MOST_POINTS
from builder.dataset import License
from builder.sources.protocol import Record

RENDERINGS = {
    "panmd.xml": "pan_md",
    "iso19139.xml": "iso19139",
    "datacite4.xml": "datacite",
    "datacite.json": "datacite",
    "dif.xml": "dif",
    "schemaorg.jsonld": "schemaorg",
    "landing.html": "schemaorg",
}

# What a rendering cannot say although pan_md does; everything else must be equal. Each loss was read from the document.
LOST = {
    "iso19139.xml": {"children", "created", "updated", "mean_point", "access", "mission"},
    "datacite4.xml": {
        "children", "created", "published", "updated", "mean_point", "access", "mission", "email", "citations",
    },
    "datacite.json": {
        "children", "created", "published", "updated", "mean_point", "access", "mission", "email", "citations",
        "start", "end", "line breaks",
    },
    "dif.xml": {"children", "updated", "mean_point", "time of day", "email", "orcid"},
    "schemaorg.jsonld": {"children", "created", "updated", "mean_point", "time of publication", "mission", "projects"},
    "landing.html": {"children", "created", "updated", "mean_point", "time of publication", "mission", "projects"},
}  # fmt: skip

PROJECT = {"WIPAFF", "Wind Park Far Field", "Wind Park Far Field (WIPAFF)"}


@pytest.fixture(scope="module")
def renderings(shared_data):
    folder = shared_data / "harvest" / "oaipmh" / "pangaea-902845-six-formats"
    identifier = "oai:pangaea.de:doi:10.1594/PANGAEA.902845"
    return {
        name: describe(Record(identifier, kind, (folder / f"902845_{name}").read_bytes(), "x/y", "https://example.org"))
        for name, kind in RENDERINGS.items()
    }


def authors(dataset, lost):
    people = [party for party in dataset.parties if "author" in party.roles]
    # Home pages are left out: ISO has one address per author and PANGAEA writes the ORCID iD there.
    losing = {name: None for name in ("email", "orcid") if name in lost} | {"url": None}
    return [replace(one, **losing) for one in people]


def facts(dataset, lost):
    coverage = dataset.coverage
    day = "%Y-%m-%d" if "time of day" in lost else "%Y-%m-%dT%H:%M:%S"
    known = {
        "identifier": dataset.identifier,
        "title": dataset.title,
        "description": "".join((dataset.description or "").split()) if "line breaks" in lost else dataset.description,
        "status": dataset.status,
        "level": dataset.level,
        "parent": dataset.parent,
        "children": dataset.children,
        "authors": authors(dataset, lost),
        "license": dataset.license,
        "access": dataset.access,
        "boxes": coverage.boxes,
        "geometry": coverage.geometry,
        "vertical": coverage.vertical,
        "mean_point": coverage.mean_point,
        "original": coverage.original_temporal,
        "start": coverage.start and coverage.start.strftime(day),
        "end": coverage.end and coverage.end.strftime(day),
        "published": dataset.published and (
            dataset.published.date() if {"time of day", "time of publication"} & lost else dataset.published
        ),
        "created": dataset.created and (dataset.created.date() if "time of day" in lost else dataset.created),
        "updated": dataset.updated,
        "subjects": [word for word in dataset.keywords if word not in PROJECT],
        "project": bool(PROJECT & set(dataset.keywords)) or "projects" in lost,
        "mission": dataset.mission,
        "papers": [paper.doi if "citations" in lost else paper for paper in dataset.publications],
        "resources": [(one.key, one.href, one.media_type, one.roles, one.restricted) for one in dataset.resources],
        "links": dataset.links,
        "columns": dataset.columns,
        "host": [p.name for p in dataset.parties if "publisher" in p.roles],
        "findings": dataset.findings,
    }  # fmt: skip
    return {name: value for name, value in known.items() if name not in lost}


@pytest.mark.parametrize("name", sorted(LOST))
def test_every_rendering_says_the_same_but_for_its_known_losses(renderings, name):
    lost = LOST[name]
    assert facts(renderings[name], lost) == facts(renderings["panmd.xml"], lost)
    assert same_doi(renderings[name].doi, "10.1594/pangaea.902845")


@pytest.mark.parametrize("name", sorted(LOST))
def test_the_losses_are_real(renderings, name):
    """A loss that is none is struck off the table."""
    fields = facts(renderings[name], set())
    whole = facts(renderings["panmd.xml"], set())
    for lost in LOST[name] & whole.keys():
        assert fields[lost] != whole[lost], lost


def test_no_rendering_lets_the_datestamp_in(renderings):
    """2023-07-26 is when PANGAEA re-indexed: dateStamp of the ISO record, Last_DIF_Revision_Date, xmlLastModified."""
    for dataset in renderings.values():
        assert "2023-07-26" not in repr(dataset)


def test_the_series_and_its_children(renderings):
    series = renderings["panmd.xml"]
    assert series.level == "collection"
    assert len(series.children) == 41
    assert series.children[0] == "10.1594/PANGAEA.902713"
    assert series.updated == datetime(2023, 1, 20, 13, 23, 45, tzinfo=UTC)


@pytest.fixture(scope="module")
def answers(shared_data):
    file = shared_data / "harvest" / "oaipmh" / "pangaea-2020-01-22" / "es_panmd_search_10.json"
    hits = json.loads(file.read_bytes())["hits"]["hits"]
    return {hit["_id"]: hit["_source"]["xml"].encode() for hit in hits}


def read(answers, number):
    return describe(Record(f"oai:pangaea.de:doi:10.1594/PANGAEA.{number}", "pan_md", answers[number], "text/xml", "u"))


def test_all_ten_records_are_read(answers):
    read_all = {number: read(answers, number) for number in answers}
    assert len(read_all) == 10
    assert {d.identifier for d in read_all.values()} == {f"pangaea-{number}" for number in answers}
    assert all(d.title and d.coverage.boxes and d.coverage.start and d.coverage.end for d in read_all.values())
    assert {n for n, d in read_all.items() if d.access.restricted} == {"901695", "901697", "901709", "901710"}
    assert {n for n, d in read_all.items() if d.license is None} == {"901695", "901697", "901709", "901710"}
    assert {n for n, d in read_all.items() if d.status != "published"} == {"901709"}


def test_a_real_crossing_in_review_has_no_open_data(answers):
    cruise = read(answers, "901709")
    assert cruise.coverage.boxes == ((29.9305, 78.49317, -116.18, 89.9645),)
    assert cruise.coverage.mean_point == (137.2799686666667, 85.7107472)
    assert cruise.status == "in-review"
    assert [one.restricted for one in cruise.resources if "data" in one.roles] == [True]
    assert cruise.doi is None  # "not to be registered"
    assert cruise.links[0].href == "https://doi.pangaea.de/10.1594/PANGAEA.901709"
    assert cruise.parent == "10.1594/PANGAEA.901742"
    assert cruise.coverage.geometry["type"] == "MultiPoint"
    assert 73 <= len(cruise.coverage.geometry["coordinates"]) <= 146  # 73 events, some with a second position
    assert cruise.platform == "Polarstern"
    assert cruise.coverage.vertical == (-100.0, -0.3, "m")
    assert [f.code for f in cruise.findings] == ["panmd.doi-unregistered"]


def test_a_mean_outside_its_box_is_doubted(answers):
    body = answers["901709"].replace(b"137.2799686666667", b"-60.5")
    assert "panmd.mean-outside" in [f.code for f in describe(Record("x", "pan_md", body, "text/xml", "u")).findings]


def test_parent_and_child(answers):
    parent, child = read(answers, "901739"), read(answers, "901738")
    assert parent.level == "collection"
    assert parent.children == ("10.1594/PANGAEA.901737", "10.1594/PANGAEA.901738")
    assert same_doi(child.parent, parent.doi)
    assert parent.resources[0].href.endswith("?format=zip")
    assert child.level == "item"
    assert child.resources[0].href.endswith("?format=textfile")
    assert child.resources[0].media_type == "text/tab-separated-values"
    assert child.license == License("CC-BY-4.0", url="https://creativecommons.org/licenses/by/4.0/")
    assert child.coverage.geometry == {"type": "Point", "coordinates": [-17.6635, 9.166]}
    assert (child.platform, child.mission, child.instruments) == (
        "Meteor (1986)",
        "M65/1",
        ("Gravity corer (Kiel type)",),
    )
    assert parent.publications == child.publications
    assert child.publications[0].doi == "10.1029/2018PA003467"


def test_columns_keep_unit_method_and_type(answers):
    columns = {column.name: column for column in read(answers, "901710").columns}
    assert len(columns) == 29
    radiation = columns["SWD [W/m**2]"]
    assert radiation.description == "Short-wave downward (GLOBAL) radiation"
    assert radiation.unit == "W/m**2"
    assert radiation.method == "Pyranometer, Kipp & Zonen, CM22, SN 080002, WRMC No. 21060"
    assert (radiation.type, columns["Date/Time"].type) == ("number", "datetime")
    assert len(read(answers, "901810").columns) == 640


def test_events_far_from_the_extent_are_not_its_geometry(answers):
    body = answers["901738"].replace(b"<md:latitude>9.166<", b"<md:latitude>12.5<")
    assert describe(Record("x", "pan_md", body, "text/xml", "u")).coverage.geometry is None


def test_many_events_are_thinned_out(answers):
    row = "<md:event><md:latitude>9.166</md:latitude><md:longitude>-17.66{:04d}</md:longitude></md:event>"
    rows = "".join(row.format(number) for number in range(2000)).encode()
    body = answers["901738"].replace(b"<md:size", rows + b"<md:size")
    geometry = describe(Record("x", "pan_md", body, "text/xml", "u")).coverage.geometry
    assert len(geometry["coordinates"]) == MOST_POINTS


def test_without_a_status_nothing_is_published(answers):
    body = answers["901738"].replace(b'key="status" ', b'key="other" ')
    dataset = describe(Record("x", "pan_md", body, "text/xml", "u"))
    assert dataset.status == "in-review"
    assert all(one.restricted for one in dataset.resources if "data" in one.roles)


def test_every_field_has_its_place(answers):
    dataset = read(answers, "901738")
    places = {name: trace.place for name, trace in dataset.trace.items()}
    assert places["title"] == "/MetaData/citation/title"
    assert places["license"] == "/MetaData/license/label"
    assert places["coverage.boxes"] == "/MetaData/extent/geographic"
    assert all(places.values())


def test_dublin_core_unpacks_the_coverage(shared_data):
    body = (shared_data / "harvest/oaipmh/pangaea-2020-01-22/get_record_788382_oai_dc.xml").read_bytes()
    dataset = describe(Record("oai:pangaea.de:doi:10.1594/PANGAEA.788382", "oai_dc", body, "text/xml", "u"))
    assert dataset.identifier == "pangaea-788382"
    assert dataset.coverage.boxes == ((-111.4, 9.833, -31.516667, 37.84),)
    assert dataset.coverage.mean_point == (-62.164078, 29.154888)
    assert dataset.coverage.start is None
    assert dataset.license.id == "CC-BY-3.0"
    assert dataset.level == "collection"
    assert dataset.keywords == ("Archive of Ocean Data", "ARCOD")
    assert dataset.publications[0].doi == "10.1134/S0016702911120056"
    assert [p.name for p in dataset.parties][:3] == ["Demina, Lyudmila L", "Galkin, Sergey V", "Dara, O M"]
