"""Real records with parts deleted, doubled, emptied or exchanged are still described, or refused as our own errors."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from builder.crosswalks import describe
from builder.dataset import Dataset
from builder.errors import IaosError
from builder.sources.protocol import Record
from builder.strictxml import parse_lenient_encoding

XML = {
    "oaipmh/pangaea-902845-six-formats/902845_panmd.xml": "pan_md",
    "oaipmh/pangaea-2020-01-22/panmd/901738.xml": "pan_md",
    "oaipmh/pangaea-902845-six-formats/902845_datacite4.xml": "datacite",
    "iso/dataone-indexer/datacite-science-metadata-2.xml": "datacite",
    "oaipmh/pangaea-902845-six-formats/902845_dif.xml": "dif",
    "iso/metamod/exampleDIF.xml": "dif",
    "oaipmh/pangaea-902845-six-formats/902845_iso19139.xml": "iso19139",
    "oaipmh/nmdc/niva_iso19139_inside_oai.xml": "iso19139",
    "iso/py-mmd-tools/reference_iso.xml": "iso19139",
    "iso/dataone-indexer/isotc211_tightlyCoupledService_SciMeta.xml": "iso19139",
    "oaipmh/pangaea-2020-01-22/get_record_788382_oai_dc.xml": "oai_dc",
}
JSON = {
    "oaipmh/pangaea-902845-six-formats/902845_datacite.json": "datacite",
    "oaipmh/pangaea-902845-six-formats/902845_schemaorg.jsonld": "schemaorg",
}
RUBBISH = ["", " ", "NaN", "-", "1e999", "2017-02-30", "﻿", "http://[", "10.1594/", "\u0664", "<b>x</b>", "x" * 5000]
VALUES = [None, "", 0, -1, 1e308, True, [], {}, [None], [[]], {"@value": 1}, "x", ["x", {"name": []}]]
MANY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@cache
def body_of(path: Path) -> bytes:
    return path.read_bytes()


def outcome_of(record):
    try:
        return describe(record)
    except IaosError as trouble:
        return trouble


def survives(kind, body):
    outcome = outcome_of(Record("partner:1", kind, body, "application/xml", "https://example.org"))
    if isinstance(outcome, IaosError):
        assert len(str(outcome).splitlines()) == 1
        return
    dataset = outcome
    assert isinstance(dataset, Dataset)
    assert dataset.identifier
    for moment in (dataset.coverage.start, dataset.coverage.end, dataset.created, dataset.updated, dataset.published):
        assert moment is None or moment.tzinfo is not None


@pytest.mark.parametrize(("name", "kind"), XML.items(), ids=XML)
@MANY
@given(data=st.data())
def test_mutated_xml(shared_data, name, kind, data):
    root, _ = parse_lenient_encoding(body_of(shared_data / "harvest" / name), where=name)
    for _ in range(data.draw(st.integers(1, 6))):
        nodes = list(root.iter("*"))[1:]
        if not nodes:
            break
        node = nodes[data.draw(st.integers(0, len(nodes) - 1))]
        parent = node.getparent()
        match data.draw(st.sampled_from(["delete", "double", "empty", "text", "attributes", "move"])):
            case "delete":
                parent.remove(node)
            case "double":
                parent.append(copy.deepcopy(node))
            case "empty":
                node.clear()
            case "text":
                node.text = data.draw(st.sampled_from(RUBBISH))
            case "attributes":
                for key in list(node.attrib):
                    node.attrib[key] = data.draw(st.sampled_from(RUBBISH))
            case "move":
                parent.remove(node)
                root.append(node)
    survives(kind, etree.tostring(root))


def leaves(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for number in range(len(value)):
            yield from leaves(value[number], (*path, number))


@pytest.mark.parametrize(("name", "kind"), JSON.items(), ids=JSON)
@MANY
@given(data=st.data())
def test_mutated_json(shared_data, name, kind, data):
    document = json.loads(body_of(shared_data / "harvest" / name))
    for _ in range(data.draw(st.integers(1, 6))):
        paths = [path for path in leaves(document) if path]
        if not paths:
            break
        *steps, last = paths[data.draw(st.integers(0, len(paths) - 1))]
        holder = document
        for step in steps:
            holder = holder[step]
        holder[last] = copy.deepcopy(data.draw(st.sampled_from([*VALUES, *RUBBISH])))
    survives(kind, json.dumps(document).encode())


@MANY
@given(
    kind=st.sampled_from(["pan_md", "datacite", "dif", "iso19139", "oai_dc", "schemaorg"]), body=st.binary(max_size=200)
)
def test_any_bytes(kind, body):
    survives(kind, body)
