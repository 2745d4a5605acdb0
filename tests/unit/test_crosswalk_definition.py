"""Hand-written records become datasets, field by field; anything else is refused as a record."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.crosswalks import describe
from builder.dataset import License, Link, Party, Resource, Trace
from builder.definitions.records import HandRecord
from builder.errors import RecordError
from builder.sources.protocol import Record

FULL = {
    "id": "pisuna",
    "title": "Local observations",
    "description": "By *hunters*.",
    "start": 2009,
    "end": "2016-02",
    "bbox": [-56.5, 67.5, -50.0, 73.0],
    "license": "other",
    "license_url": "https://partner.example/terms",
    "citation": "Observers (2016)",
    "doi": "10.1594/PANGAEA.902845",
    "keywords": ["ice", "seal"],
    "platform": "Qaarsut",
    "instruments": ["eyes"],
    "people": [{"name": "NORDECO", "roles": ["editor"], "url": "https://partner.example/"}],
    "links": [{"href": "https://partner.example/about", "title": "About"}],
    "files": [
        {"href": "https://partner.example/a.csv", "size": 12, "checksum": "sha256:00"},
        {"href": "https://partner.example/a.png?x=1", "roles": ["thumbnail"]},
        {"href": "https://partner.example/b", "media_type": "text/plain", "restricted": True},
    ],
}


def record(body, identifier="pisuna"):
    return Record(identifier, "definition", body, "application/json", "")


def described(**fields):
    hand = HandRecord.model_validate({"id": "x", "title": "T", "description": "D", **fields})
    return describe(record(hand.body(), hand.id))


def test_every_field_arrives_with_its_place():
    made = describe(record(HandRecord.model_validate(FULL).body()))
    assert (made.identifier, made.title, made.description) == ("pisuna", "Local observations", "By *hunters*.")
    assert made.coverage.start == datetime(2009, 1, 1, tzinfo=UTC)
    assert made.coverage.end == datetime(2016, 2, 29, 23, 59, 59, tzinfo=UTC)  # 2016 is a leap year
    assert made.coverage.geometry == {
        "type": "Polygon",
        "coordinates": [[[-56.5, 67.5], [-50.0, 67.5], [-50.0, 73.0], [-56.5, 73.0], [-56.5, 67.5]]],
    }
    assert made.license == License("other", url="https://partner.example/terms")
    assert (made.citation, made.doi, made.platform) == ("Observers (2016)", "10.1594/PANGAEA.902845", "Qaarsut")
    assert (made.keywords, made.instruments) == (("ice", "seal"), ("eyes",))
    assert made.parties == (Party("NORDECO", ("editor",), url="https://partner.example/"),)
    assert made.links == (Link("about", "https://partner.example/about", title="About"),)
    assert made.resources == (
        Resource("data", "https://partner.example/a.csv", "text/csv", size=12, checksum="sha256:00"),
        Resource("thumbnail", "https://partner.example/a.png?x=1", "image/png", ("thumbnail",)),
        Resource("data", "https://partner.example/b", "text/plain", restricted=True),
    )
    assert made.trace["coverage.start"] == Trace("definition", "start", "definition")
    assert made.trace["coverage.geometry"].place == "bbox"


def test_places_of_every_kind():
    assert described(point=[11.9, 78.9]).coverage.geometry == {"type": "Point", "coordinates": [11.9, 78.9]}
    crossing = described(bbox=[170, 70, -170, 80]).coverage.geometry
    assert crossing["type"] == "MultiPolygon"
    line = {"type": "LineString", "coordinates": [[0, 80], [10, 81]]}
    assert described(geometry=line).coverage.geometry == line
    assert described().coverage.geometry is None


def test_an_open_end_stays_open():
    made = described(start="2019-05-01T06:00:00+02:00")
    assert (made.coverage.start, made.coverage.end) == (datetime(2019, 5, 1, 4, tzinfo=UTC), None)


def test_the_record_is_the_same_bytes_each_time():
    assert HandRecord.model_validate(FULL).body() == HandRecord.model_validate(FULL).body()


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"null", b"[]", b"{}", b'{"id": "x"}', b"<x/>", b'{"id": "x", "title": 1, "description": "D"}',
     b'{"id": "../x", "title": "T", "description": "D"}', b'{"id": "x", "title": "T", "description": "D", "more": 1}',
     b"[" * 5000],
)  # fmt: skip
def test_other_documents_are_refused(body):
    with pytest.raises(RecordError) as caught:
        describe(record(body))
    assert caught.value.where == "pisuna"
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(FULL)), JSON, max_size=4))
def test_any_json_is_described_or_refused(changes):
    body = json.dumps({**FULL, **changes}).encode("utf-8", "surrogatepass")
    try:
        made = describe(record(body))
    except RecordError:
        return
    assert made.title
