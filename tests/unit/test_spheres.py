"""Spheres of collections: what a definition says, in the STAC Collection, on the page of all, in the words of ISO."""

from __future__ import annotations

import pytest
from lxml import html
from pydantic import ValidationError

from builder.checks.validate import validate
from builder.pages.lists import PAGE_SIZE, Entry
from builder.pages.render import Renderer
from builder.spheres import SPHERES, topic_categories
from builder.stac.collection import build_collection
from builder.stac.summaries import Summary
from tests.stac_sample import DEFINITION
from tests.unit.pages_samples import CTD_COLLECTION, ENTRIES, IMR

TOPICS = ["ATMOSPHERE", "OCEANS", "CRYOSPHERE", "TERRESTRIAL HYDROSPHERE", "LAND SURFACE", "SOLID EARTH", "BIOSPHERE"]
TOPICS += ["HUMAN DIMENSIONS"]
"""Of GCMD's Earth Science keywords, version 22; those left out are of no place on the Earth of today."""


def listed(entries) -> list[dict[str, list[str]]]:
    """Return the headings of each page with the titles below them."""
    pages = [html.fromstring(page) for _, page in Renderer().collections(entries)]
    return [
        {part.findtext("h2"): part.xpath(".//tbody/tr/th/a/text()") for part in page.find_class("sphere")}
        for page in pages
    ]


def test_a_definition_names_topics_of_gcmd_and_no_others():
    definition = DEFINITION.model_validate(DEFINITION.model_dump(by_alias=True) | {"spheres": SPHERES})
    collection = build_collection(definition, Summary())
    (theme,) = collection["themes"]
    assert [concept["id"] for concept in theme["concepts"]] == TOPICS
    assert validate(collection) == []
    assert "themes" not in build_collection(DEFINITION, Summary())
    with pytest.raises(ValidationError, match="spheres"):
        DEFINITION.model_validate(DEFINITION.model_dump(by_alias=True) | {"spheres": ["space"]})


def test_collections_are_listed_under_each_of_their_spheres():
    assert listed(ENTRIES) == [
        {
            "Oceans": ["CTD profiles, IMR research vessels"],
            "Sea ice, snow and glaciers": ["Sea-ice concentration, daily grids"],
            "Life": ["CTD profiles, IMR research vessels"],
            "Other collections": ["Samples of the Arctic expeditions"],
        }
    ]


def test_without_spheres_there_are_no_headings():
    assert listed([entry for entry in ENTRIES if "themes" not in entry.collection]) == [{}]


def test_many_collections_go_on_under_the_same_heading():
    some = [Entry(CTD_COLLECTION | {"id": f"c{n:03d}", "title": f"C {n:03d}"}, IMR, 1) for n in range(PAGE_SIZE + 5)]
    first, second, third = listed(some)
    assert {name: len(titles) for name, titles in first.items()} == {"Oceans": PAGE_SIZE}
    assert {name: len(titles) for name, titles in second.items()} == {"Oceans": 5, "Life": PAGE_SIZE - 5}
    assert {name: len(titles) for name, titles in third.items()} == {"Life": 10}


def test_topic_categories_are_codes_of_iso():
    assert topic_categories(SPHERES) == [
        "climatologyMeteorologyAtmosphere", "oceans", "environment", "inlandWaters", "geoscientificInformation",
        "biota", "society",
    ]  # fmt: skip
    assert topic_categories(()) == ["environment"]
