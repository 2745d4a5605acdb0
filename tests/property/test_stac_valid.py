"""Whatever a crosswalk found in a record, the object made from it is valid STAC or the value is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.checks.rules import Subject, check_object
from builder.checks.validate import validate
from builder.dataset import (
    Access,
    Column,
    Concepts,
    Coverage,
    Dataset,
    Dimension,
    License,
    Link,
    Party,
    Publication,
    Resource,
    Variable,
)
from builder.findings import Severity
from builder.stac.collection import build_collection
from builder.stac.item import build_item, build_record_collection
from builder.stac.serialize import to_bytes
from builder.stac.summaries import Summary
from tests.stac_sample import DEFINITION, FULL, Shape, context, point

WORDS = st.sampled_from(
    ["", " ", "x", "A B", "ø\u202e\x00", "\ud800", "a@b", "a..b@c.de", "10.1234/x", "https://x.example/a b"]
)
TEXT = WORDS | st.text(max_size=12)
MAYBE = st.none() | TEXT
TIMES = st.none() | st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NUMBERS = st.none() | st.floats() | TEXT
URLS = TEXT | st.sampled_from(
    ["javascript:x", "https://x.example/a.nc", "data/a.nc", "../a", "http://[", "https://u:p@x.example"]
)
ROLES = st.lists(st.sampled_from(["data", "metadata", "", "x"]), max_size=3).map(tuple)


def several(strategy):
    return st.lists(strategy, max_size=3).map(tuple)


EMAILS = TEXT | st.emails() | st.sampled_from(["a.@b.de", ".a@b.de", "a@-b.de", "a@b..de", "a b@c.de", "a@b.de"])
DATASETS = st.builds(
    Dataset,
    identifier=TEXT,
    title=MAYBE,
    description=MAYBE,
    level=st.sampled_from(["item", "collection"]),
    coverage=st.builds(
        Coverage,
        start=TIMES,
        end=TIMES,
        original_temporal=MAYBE,
        vertical=st.none() | st.tuples(st.floats(), st.floats(), TEXT),
    ),
    created=TIMES,
    published=TIMES,
    license=st.none() | st.builds(License, TEXT, MAYBE, st.none() | URLS),
    access=st.builds(Access, st.booleans(), MAYBE),
    parties=several(
        st.builds(Party, TEXT, several(TEXT | st.just("publisher")), MAYBE, st.none() | EMAILS, st.none() | URLS)
    ),
    keywords=several(TEXT),
    themes=several(st.builds(Concepts, TEXT, several(TEXT))),
    doi=MAYBE,
    citation=MAYBE,
    publications=several(st.builds(Publication, MAYBE, MAYBE)),
    dimensions=several(
        st.builds(
            Dimension,
            TEXT,
            st.sampled_from(["x", "y", "z", "temporal", "other"]),
            st.none() | st.integers(),
            st.none() | st.tuples(NUMBERS, NUMBERS),
            MAYBE,
            st.none() | TEXT | st.integers() | st.just({}),
        )
    ),
    variables=several(st.builds(Variable, TEXT, MAYBE, MAYBE, MAYBE, several(TEXT), MAYBE, st.booleans())),
    columns=several(st.builds(Column, TEXT, MAYBE, MAYBE, MAYBE, MAYBE)),
    row_count=st.none() | st.integers(),
    platform=MAYBE,
    instruments=several(TEXT),
    processing_level=MAYBE,
    version=MAYBE,
    language=MAYBE,
    resources=several(
        st.builds(
            Resource,
            TEXT,
            URLS,
            MAYBE,
            ROLES,
            MAYBE,
            MAYBE,
            st.none() | st.integers(),
            MAYBE,
            st.none() | st.sampled_from(["wms", "opendap", "ncss"]),
            st.booleans(),
        )
    ),
    links=several(st.builds(Link, TEXT, URLS, MAYBE, MAYBE)),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DATASETS, st.sampled_from([point(10, 80), Shape()]))
def test_every_item_and_collection_is_valid(dataset, shape):
    if dataset.coverage.start is None and dataset.coverage.end is None:
        dataset = replace(dataset, coverage=replace(dataset.coverage, start=datetime(2020, 1, 1, tzinfo=UTC)))
    around, summary = context(FULL), Summary()
    for make, path in (
        (build_item, around.place.item(around.id)),
        (build_record_collection, around.place.child(around.id)),
    ):
        stac, _ = make(dataset, shape, around)
        assert orjson.loads(to_bytes(stac)) == stac
        assert validate(stac) == []
        wrong = [f for f in check_object(Subject(stac, path, frozenset())) if f.code != "stac.link-missing"]
        assert [finding for finding in wrong if finding.severity is Severity.ERROR] == []
        summary.add(stac)
    assert validate(build_collection(DEFINITION, summary)) == []
