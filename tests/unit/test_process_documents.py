"""Descriptions of processing services: read by owslib, held against the content models of the OGC standards."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema_rs import Draft4Validator, validator_for
from lxml import etree
from owslib.wps import WebProcessingService

from builder.build import Request, build
from builder.checks.tree import check_tree
from builder.findings import Severity
from processors.describe import as_ogc, as_schema
from processors.describewps import as_wps
from processors.openapi import openapi_schema
from processors.registry import find_processors

PROCESSORS = find_processors().processors
NAMES = sorted(PROCESSORS)

WPS1 = {
    "wps:ProcessDescriptions": "ProcessDescription+",
    "ProcessDescription": "ows:Identifier ows:Title ows:Abstract? ows:Metadata* wps:Profile* wps:WSDL? DataInputs? "
    "ProcessOutputs",
    "DataInputs": "Input+",
    "Input": "ows:Identifier ows:Title ows:Abstract? ows:Metadata* (ComplexData|LiteralData|BoundingBoxData)",
    "ComplexData": "Default Supported",
    "ComplexOutput": "Default Supported",
    "Default": "Format",
    "Supported": "Format+",
    "Format": "MimeType Encoding? Schema?",
    "LiteralData": "ows:DataType? UOMs? (ows:AllowedValues|ows:AnyValue|ValuesReference) DefaultValue?",
    "ows:AllowedValues": "(ows:Value|ows:Range)+",
    "ProcessOutputs": "Output+",
    "Output": "ows:Identifier ows:Title ows:Abstract? ows:Metadata* (ComplexOutput|LiteralOutput|BoundingBoxOutput)",
}
"""OGC 05-007r7, tables 21 to 40: parent → its children in order."""
WPS2 = {
    "wps:ProcessOfferings": "wps:ProcessOffering+",
    "wps:ProcessOffering": "wps:Process",
    "wps:Process": "ows:Title+ ows:Abstract* ows:Keywords* ows:Identifier ows:Metadata* wps:Input* wps:Output+",
    "wps:Input": "ows:Title+ ows:Abstract* ows:Keywords* ows:Identifier ows:Metadata* "
    "(wps:ComplexData|wps:LiteralData|wps:BoundingBoxData)",
    "wps:Output": "ows:Title+ ows:Abstract* ows:Keywords* ows:Identifier ows:Metadata* "
    "(wps:ComplexData|wps:LiteralData|wps:BoundingBoxData)",
    "wps:ComplexData": "wps:Format+",
    "wps:LiteralData": "wps:Format+ LiteralDataDomain+",
    "LiteralDataDomain": "(ows:AllowedValues|ows:AnyValue|ows:ValuesReference) ows:DataType? ows:UOM? "
    "ows:DefaultValue?",
    "ows:AllowedValues": "(ows:Value|ows:Range)+",
}
"""OGC 14-065, section 7 and annex B (wpsCommon.xsd, wpsDescribeProcess.xsd)."""
LEAVES = {"Identifier", "Title", "Abstract", "MimeType", "DataType", "AnyValue", "Value", "DefaultValue", "Format"}


def prefixed(element):
    name = etree.QName(element)
    prefix = next((key for key, uri in element.nsmap.items() if uri == name.namespace), None)
    return f"{prefix}:{name.localname}" if name.namespace else name.localname


def faults(root, models):
    """Yield elements whose children are not those of the standard, or that it does not know."""
    for element in root.iter():
        name, children = prefixed(element), "".join(f"{prefixed(child)} " for child in element)
        if name in models:
            model = re.sub(r"([\w:]+)", r"(?:\1_)", models[name]).replace(" ", "").replace("_", " ")
            if not re.fullmatch(model, children):
                yield name, children
        elif etree.QName(element).localname not in LEAVES:
            yield name, "unknown"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("version", "models"), [("1.0.0", WPS1), ("2.0", WPS2)])
def test_elements_stand_in_the_order_of_the_standard(name, version, models):
    root = etree.fromstring(as_wps(PROCESSORS[name], version))
    assert list(faults(root, models)) == []


@pytest.mark.parametrize("name", NAMES)
def test_attributes_have_the_types_of_the_standard(name):
    """WPS 1.0.0 wants both numbers of occurrences, and OWS 1.1 a type and a subtype of each format."""
    root = etree.fromstring(as_wps(PROCESSORS[name], "1.0.0"))
    said = {"service": "WPS", "version": "1.0.0", "{http://www.w3.org/XML/1998/namespace}lang": "en"}
    assert dict(root.attrib) == said
    assert root[0].get("{http://www.opengis.net/wps/1.0.0}processVersion")
    for one in root.iter("Input"):
        assert int(one.attrib["minOccurs"]) >= 0 < int(one.attrib["maxOccurs"])
        assert set(one.attrib) == {"minOccurs", "maxOccurs"}
    kinds = [one.text for one in root.iter("MimeType")]
    assert all(re.fullmatch(r"(application|audio|image|text|video|message|multipart|model)/\S+(;.*)?", kind)
               for kind in kinds)  # fmt: skip


def test_the_check_of_the_order_finds_what_is_wrong():
    root = etree.fromstring(as_wps(PROCESSORS["regrid"], "2.0"))
    process = root[0][0]
    process.append(process[0])  # the title last
    assert [name for name, _ in faults(root, WPS2)] == ["wps:Process"]
    root = etree.fromstring(as_wps(PROCESSORS["regrid"], "1.0.0"))
    root[0].find("DataInputs")[0].remove(root[0].find("DataInputs")[0].find("ComplexData"))
    assert [name for name, _ in faults(root, WPS1)] == ["Input"]


@pytest.mark.parametrize("name", NAMES)
def test_owslib_reads_what_the_processor_says(name):
    processor = PROCESSORS[name]
    read = WebProcessingService("http://127.0.0.1/wps", skip_caps=True).describeprocess(
        name, xml=as_wps(processor, "1.0.0")
    )
    assert (read.identifier, read.title, read.processVersion) == (name, processor.title, processor.version)
    assert not any((read.statusSupported, read.storeSupported)), "nobody runs it for others"
    fields = processor.parameters.model_fields
    slots = {f"{s.name}_file" if s.name in fields else s.name: s for s in processor.inputs}
    assert [one.identifier for one in read.dataInputs] == [*slots, *fields]
    for one in read.dataInputs:
        if one.identifier in slots:
            slot = slots[one.identifier]
            assert (one.minOccurs, one.defaultValue.mimeType) == (slot.least, slot.media_types[0])
        else:
            assert one.minOccurs == int(fields[one.identifier].is_required())
            default = fields[one.identifier].get_default(call_default_factory=True)
            if isinstance(default, int | float) and not isinstance(default, bool):
                assert float(one.defaultValue) == default
    assert [one.identifier for one in read.processOutputs] == list(processor.products)


@pytest.mark.parametrize("name", NAMES)
def test_the_ogc_document_has_what_the_standard_wants_and_claims_no_server(name):
    """OGC 18-062r2, tables 11 to 16: process, inputDescription, outputDescription."""
    described = as_ogc(PROCESSORS[name])
    assert len(described["inputs"]) == len(PROCESSORS[name].inputs) + len(PROCESSORS[name].parameters.model_fields)
    assert {"id", "version", "inputs", "outputs"} <= described.keys()
    assert not {"jobControlOptions", "outputTransmission"} & described.keys()
    assert as_ogc(PROCESSORS[name], served=True)["jobControlOptions"] == ["sync-execute", "async-execute"]
    for one in (*described["inputs"].values(), *described["outputs"].values()):
        assert isinstance(one["title"], str)
        assert Draft4Validator(one["schema"]), "OpenAPI 3.0 extends draft 4"
        assert one.get("maxOccurs", 1) == "unbounded" or isinstance(one.get("maxOccurs", 1), int)
    judge = validator_for(as_schema(PROCESSORS[name]))
    assert not judge.is_valid({"no such parameter": 1})


def test_choices_and_numbers_are_told_in_both_versions():
    ows1, ows2 = {"o": "http://www.opengis.net/ows/1.1"}, {"o": "http://www.opengis.net/ows/2.0"}
    first = etree.fromstring(as_wps(PROCESSORS["regrid"], "1.0.0"))
    second = etree.fromstring(as_wps(PROCESSORS["regrid"], "2.0"))
    assert first.xpath("//Input[o:Identifier='time']//o:Value/text()", namespaces=ows1) == ["first", "last", "mean"]
    assert second.xpath("//*[o:Identifier='time']//o:Value/text()", namespaces=ows2) == ["first", "last", "mean"]
    assert second.xpath("//*[o:Identifier='south']//o:DataType/text()", namespaces=ows2) == ["double"]
    served = etree.fromstring(as_wps(PROCESSORS["pam"], "2.0", served=True))
    assert served[0].get("jobControlOptions") == "sync-execute async-execute"
    assert first.xpath("//Input[o:Identifier='grid']/@maxOccurs", namespaces=ows1) == ["1"]
    pam = etree.fromstring(as_wps(PROCESSORS["pam"], "2.0"))
    assert pam.xpath("//*[o:Identifier='recording']/@maxOccurs", namespaces=ows2) == ["unbounded"]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    (folder / "collections").mkdir()
    (folder / "collections/maps.yaml").write_text(
        "id: maps\ntitle: All the maps\ndescription: Maps.\npartner: {id: q, name: Q}\nlicense: CC-BY-4.0\n"
        "source: {type: process, processor: regrid, inputs: {grid: {path: none.nc}}}\n"
    )
    build(Request(folder / "collections", folder / "out", folder / "state"), lambda task: None)
    return folder / "out"


def test_the_catalogue_describes_every_service_and_leads_to_it(catalog):
    tree = {str(f.relative_to(catalog)): f.read_bytes() for f in catalog.rglob("*") if f.is_file()}
    assert [str(one) for one in check_tree(tree.__getitem__, tree) if one.severity is Severity.ERROR] == []
    root = json.loads(tree["catalog.json"])
    (link,) = [one for one in root["links"] if one["rel"] == "http://www.opengis.net/def/rel/ogc/1.0/processes"]
    listed = json.loads(tree[link["href"].removeprefix("./")])["processes"]
    assert [one["id"] for one in listed] == NAMES
    for name in NAMES:
        for suffix in ("html", "json", "schema.json", "wps-1.0.0.xml", "wps-2.0.xml"):
            assert tree[f"processes/{name}.{suffix}"]
        for one in json.loads(tree[f"processes/{name}.json"])["links"]:
            assert f"processes/{one['href'].removeprefix('./')}" in tree


def test_the_page_of_a_service_shows_parameters_an_example_and_what_it_makes(catalog):
    page = (catalog / "processes/pam.html").read_text()
    assert "<code>average_s</code>" in page
    assert "iaos process run pam FILE --param analysis=HMB --out products" in page
    assert "processor: pam" in page
    assert "Levels in the layout of PAMGuide" in page
    page = (catalog / "processes/regrid.html").read_text()
    assert '<a href="../q/maps/index.html">All the maps</a>' in page
    assert 'href="./regrid.wps-2.0.xml"' in page
    assert 'href="./processes/index.html"' in (catalog / "index.html").read_text()


OPENAPI = {
    "title", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength",
    "pattern", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required", "enum", "type",
    "allOf", "oneOf", "anyOf", "not", "items", "properties", "additionalProperties", "description", "format", "default",
    "nullable", "contentMediaType",
}  # fmt: skip
"""Keywords of OpenAPI 3.0.3, 4.7.24.1, and the one that OGC 18-062r2 adds for files (schema.yaml)."""


def foreign(schema):
    """What a schema says that is not OpenAPI 3.0."""
    assert schema.keys() <= OPENAPI, schema.keys() - OPENAPI
    assert schema.get("type") in {None, "array", "boolean", "integer", "number", "object", "string"}
    for key in ("exclusiveMinimum", "exclusiveMaximum"):
        assert isinstance(schema.get(key, True), bool), schema
    inner = [one for key in ("allOf", "oneOf", "anyOf") for one in schema.get(key, ())]
    inner += schema.get("properties", {}).values()
    inner += [schema[key] for key in ("items", "additionalProperties", "not") if isinstance(schema.get(key), dict)]
    for one in inner:
        foreign(one)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_and_outputs_are_described_in_openapi(name):
    described = as_ogc(PROCESSORS[name])
    for slot in [*described["inputs"].values(), *described["outputs"].values()]:
        foreign(slot["schema"])


def test_what_openapi_says_otherwise():
    definitions = {"Box": {"type": "object", "properties": {"north": {"type": "number", "exclusiveMaximum": 90}}}}
    schema = {
        "anyOf": [{"$ref": "#/$defs/Box"}, {"type": "null"}],
        "default": None,
        "examples": [None],
    }
    assert openapi_schema(schema, definitions) == {
        "type": "object",
        "properties": {"north": {"type": "number", "maximum": 90, "exclusiveMaximum": True}},
        "nullable": True,
        "default": None,
    }
    pair = {"prefixItems": [{"type": "number"}, {"const": "m"}, {"type": "number"}], "minItems": 3, "type": "array"}
    assert openapi_schema(pair, {}) == {
        "items": {"anyOf": [{"type": "number"}, {"enum": ["m"]}]},
        "minItems": 3,
        "type": "array",
    }
    keyed = {"type": "object", "patternProperties": {"^b": {"type": "integer"}}, "propertyNames": {"pattern": "^b"}}
    assert openapi_schema(keyed, {}) == {"type": "object", "additionalProperties": {"type": "integer"}}


@pytest.mark.parametrize("name", NAMES)
def test_versions_have_the_three_numbers_of_ows_common(name):
    (offering,) = etree.fromstring(as_wps(PROCESSORS[name], "2.0"))
    pattern = r"\d+\.\d?\d\.\d?\d"  # ows:VersionType, OGC 06-121r9, owsCommon.xsd
    assert re.fullmatch(pattern, offering.get("processVersion"))
    assert offering.get("processVersion").startswith(PROCESSORS[name].version)
