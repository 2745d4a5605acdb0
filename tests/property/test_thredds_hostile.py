"""Catalogues and records made by chance never end in anything but an error of ours."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from builder.crosswalks import describe
from builder.errors import IaosError
from builder.invcatalog import INVCATALOG, read_catalog, single
from builder.sources.listing import read_listing
from builder.sources.protocol import Record
from builder.sources.thredds import canonical, catalog_address

NAMES = (
    "dataset", "catalogRef", "service", "access", "metadata", "serviceName", "documentation", "timeCoverage", "start",
    "end", "duration", "geospatialCoverage", "eastwest", "northsouth", "updown", "size", "date", "dataSize", "keyword",
    "creator", "publisher", "name", "contact", "variables", "variable", "property", "contributor", "dataFormat",
)  # fmt: skip
ATTRIBUTES = (
    "name", "ID", "urlPath", "serviceName", "serviceType", "base", "suffix", "inherited", "alias", "type", "units",
    "vocabulary", "vocabulary_name", "value", "href", "{http://www.w3.org/1999/xlink}href", "calendar", "zpositive",
)  # fmt: skip
TEXTS = (
    "", "a", "all", "Compound", "OPENDAP", "HTTPServer", "Resolver", "true", "../x", "http://[", "http://h:x/", "?a=b",
    "present", "P1Y", "1e308", "-1e308", "NaN", "2020-13-40", "bytes", "//", "a b#c%",
)  # fmt: skip
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
VALUES = st.one_of(st.sampled_from(TEXTS), st.text(LETTERS, max_size=12))


@st.composite
def elements(draw, depth=0):
    namespace = draw(st.sampled_from([INVCATALOG, INVCATALOG, "", "urn:other"]))
    name = draw(st.sampled_from(NAMES))
    element = etree.Element(f"{{{namespace}}}{name}" if namespace else name)
    for key in draw(st.lists(st.sampled_from(ATTRIBUTES), max_size=5, unique=True)):
        element.set(key, draw(VALUES))
    element.text = draw(VALUES)
    if depth < 3:
        element.extend(draw(st.lists(elements(depth + 1), max_size=4)))
    return element


@settings(max_examples=50, deadline=None)
@given(
    st.lists(elements(), max_size=5), st.sampled_from([INVCATALOG, "http://www.unidata.ucar.edu/thredds", ""]), VALUES
)
def test_any_catalogue_can_be_read_cut_and_described(children, namespace, base):
    root = etree.Element(f"{{{namespace}}}catalog" if namespace else "catalog", {"base": base})
    root.extend(children)
    catalog = read_catalog(etree.tostring(root), "http://h/thredds/catalog.xml")
    for ref in catalog.refs:
        canonical(catalog_address(ref.url))
    for dataset in (*catalog.datasets, *catalog.containers, *catalog.resolvers):
        body = single(dataset, catalog)
        alone = read_catalog(body, "http://h/x.xml")
        (again,) = alone.datasets + alone.resolvers
        assert again.urls == dataset.urls
        assert all(url.startswith(("http://", "https://")) for url in again.urls)
        record = Record("x", "thredds", body, "application/xml", "http://h/x.xml")
        try:
            described = describe(record)
        except IaosError:
            assert dataset in catalog.resolvers
        else:
            assert all(-180 <= west <= 180 and -180 <= east <= 180 for west, _, east, _ in described.coverage.boxes)


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=60), st.sampled_from([b"", b"<html><a href='", b"[", b"<ListBucketResult><Contents><Key>", b"{"])
)
def test_any_page_is_a_listing_or_an_error(tail, head):
    try:
        listing = read_listing(head + tail, "http://h/a/b/")
    except IaosError:
        return
    assert all(entry.href.startswith("http://h/a/b/") for entry in listing.files)
    assert all(folder.startswith("http://h/a/b/") for folder in listing.folders)
