"""Describes a processor in XML: as WPS 1.0.0 and WPS 2.0 answer to DescribeProcess."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from lxml import etree

from processors.describe import JOBS, Parameter, media_type_of, parameters_of, slots_of

if TYPE_CHECKING:
    from processors.protocol import JSON, Processor

Version: TypeAlias = Literal["1.0.0", "2.0"]

WPS1, OWS1 = "http://www.opengis.net/wps/1.0.0", "http://www.opengis.net/ows/1.1"
WPS2, OWS2 = "http://www.opengis.net/wps/2.0", "http://www.opengis.net/ows/2.0"
XSD = "http://www.w3.org/TR/xmlschema-2/#"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
UNBOUNDED = "1000000"
"""WPS 1.0.0 knows no unbounded number of inputs."""
_KINDS = {"integer": "integer", "number": "double", "boolean": "boolean", "string": "string"}


def as_wps(processor: Processor, version: Version = "1.0.0", *, served: bool = False) -> bytes:
    """Return ``ProcessDescriptions`` (1.0.0: OGC 05-007r7, section 9) or ``ProcessOfferings`` (2.0: OGC 14-065).

    Args:
        processor: The processor.
        version: Version of the standard.
        served: Whether somebody answers who runs it, and so how jobs are controlled.
    """
    root = _first(processor, served=served) if version == "1.0.0" else _second(processor, served=served)
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _first(processor: Processor, *, served: bool) -> etree._Element:
    root = etree.Element(
        f"{{{WPS1}}}ProcessDescriptions", {"service": "WPS", "version": "1.0.0", LANG: "en"}, {"wps": WPS1, "ows": OWS1}
    )
    process = etree.SubElement(root, "ProcessDescription")
    if served:
        process.attrib.update({"storeSupported": "true", "statusSupported": "true"})
    process.set(f"{{{WPS1}}}processVersion", processor.version)
    _named(process, processor.name, processor.title, processor.description)
    inputs = etree.SubElement(process, "DataInputs")
    for identifier, slot in slots_of(processor).items():
        most = str(slot.most or UNBOUNDED)
        one = etree.SubElement(inputs, "Input", minOccurs=str(slot.least), maxOccurs=most)
        _named(one, identifier, slot.title)
        _formats(etree.SubElement(one, "ComplexData"), slot.media_types)
    for parameter in parameters_of(processor):
        one = etree.SubElement(inputs, "Input", minOccurs=str(int(parameter.required)), maxOccurs="1")
        _named(one, parameter.name, parameter.title, parameter.description)
        literal = etree.SubElement(one, "LiteralData")
        _data_type(literal, OWS1, parameter)
        _values(literal, OWS1, parameter)
        if parameter.default is not None:
            etree.SubElement(literal, "DefaultValue").text = _text(parameter.default)
    outputs = etree.SubElement(process, "ProcessOutputs")
    for name, title in processor.products.items():
        one = etree.SubElement(outputs, "Output")
        _named(one, name, title)
        _formats(etree.SubElement(one, "ComplexOutput"), (media_type_of(name),))
    return root


def _named(parent: etree._Element, name: str, title: str, abstract: str = "") -> None:
    for tag, text in (("Identifier", name), ("Title", title), ("Abstract", abstract)):
        if text:
            etree.SubElement(parent, f"{{{OWS1}}}{tag}").text = text


def _formats(parent: etree._Element, media_types: tuple[str, ...]) -> None:
    for tag, kinds in (("Default", media_types[:1]), ("Supported", media_types)):
        group = etree.SubElement(parent, tag)
        for kind in kinds:
            etree.SubElement(etree.SubElement(group, "Format"), "MimeType").text = kind


def _three_numbers(version: str) -> str | None:
    """Fill a version up to what ``ows:VersionType`` of OWS Common 2.0 accepts, or give None."""
    filled = ".".join([*version.split("."), "0", "0"][:3])
    return filled if re.fullmatch(r"\d+\.\d?\d\.\d?\d", filled) else None


def _second(processor: Processor, *, served: bool) -> etree._Element:
    root = etree.Element(f"{{{WPS2}}}ProcessOfferings", None, {"wps": WPS2, "ows": OWS2})
    offering = etree.SubElement(root, f"{{{WPS2}}}ProcessOffering")
    if version := _three_numbers(processor.version):
        offering.set("processVersion", version)
    offering.set("jobControlOptions", " ".join(JOBS) if served else "")  # the schema wants the list, which may be empty
    if served:
        offering.set("outputTransmission", "reference")
    process = etree.SubElement(offering, f"{{{WPS2}}}Process")
    _titled(process, processor.name, processor.title, processor.description)
    for identifier, slot in slots_of(processor).items():
        most = str(slot.most or "unbounded")
        one = etree.SubElement(process, f"{{{WPS2}}}Input", minOccurs=str(slot.least), maxOccurs=most)
        _titled(one, identifier, slot.title)
        _complex(one, slot.media_types)
    for parameter in parameters_of(processor):
        one = etree.SubElement(process, f"{{{WPS2}}}Input", minOccurs=str(int(parameter.required)), maxOccurs="1")
        _titled(one, parameter.name, parameter.title, parameter.description)
        literal = etree.SubElement(one, f"{{{WPS2}}}LiteralData")
        etree.SubElement(literal, f"{{{WPS2}}}Format", mimeType="text/plain", default="true")
        domain = etree.SubElement(literal, "LiteralDataDomain", default="true")
        _values(domain, OWS2, parameter)
        _data_type(domain, OWS2, parameter)
        if parameter.default is not None:
            etree.SubElement(domain, f"{{{OWS2}}}DefaultValue").text = _text(parameter.default)
    for name, title in processor.products.items():
        one = etree.SubElement(process, f"{{{WPS2}}}Output")
        _titled(one, name, title)
        _complex(one, (media_type_of(name),))
    return root


def _titled(parent: etree._Element, name: str, title: str, abstract: str = "") -> None:
    for tag, text in (("Title", title), ("Abstract", abstract), ("Identifier", name)):
        if text:
            etree.SubElement(parent, f"{{{OWS2}}}{tag}").text = text


def _complex(parent: etree._Element, media_types: tuple[str, ...]) -> None:
    data = etree.SubElement(parent, f"{{{WPS2}}}ComplexData")
    for number, kind in enumerate(media_types):
        one = etree.SubElement(data, f"{{{WPS2}}}Format", mimeType=kind)
        if number == 0:
            one.set("default", "true")


def _data_type(parent: etree._Element, ows: str, parameter: Parameter) -> None:
    kind = _KINDS[parameter.kind]
    etree.SubElement(parent, f"{{{ows}}}DataType", {f"{{{ows}}}reference": XSD + kind}).text = kind


def _values(parent: etree._Element, ows: str, parameter: Parameter) -> None:
    if not parameter.choices:
        etree.SubElement(parent, f"{{{ows}}}AnyValue")
        return
    allowed = etree.SubElement(parent, f"{{{ows}}}AllowedValues")
    for value in parameter.choices:
        etree.SubElement(allowed, f"{{{ows}}}Value").text = _text(value)


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
