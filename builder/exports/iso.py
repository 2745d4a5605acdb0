"""ISO 19115-3 records of collections (mdb 2.0), for geoportals such as GeoNetwork and pycsw."""

from __future__ import annotations

from lxml import etree

from builder.exports.described import Described, Publisher
from builder.spheres import topic_categories

_ISO = "http://standards.iso.org/iso/19115/-3"
NAMESPACES = {
    "mdb": f"{_ISO}/mdb/2.0",
    "cit": f"{_ISO}/cit/2.0",
    "gco": f"{_ISO}/gco/1.0",
    "gex": f"{_ISO}/gex/1.0",
    "lan": f"{_ISO}/lan/1.0",
    "mcc": f"{_ISO}/mcc/1.0",
    "mco": f"{_ISO}/mco/1.0",
    "mrd": f"{_ISO}/mrd/1.0",
    "mri": f"{_ISO}/mri/1.0",
    "gml": "http://www.opengis.net/gml/3.2",
}
SCHEMA = "https://schemas.isotc211.org/19115/-3/mdb/2.0/mdb.xsd"
_CODES = "https://schemas.isotc211.org/19115/resources/Codelist/cat/codelists.xml"


def iso_record(one: Described, publisher: Publisher) -> etree._Element:
    """Return the record of one collection, its elements in the order of the schema's sequences."""
    root = etree.Element(_name("mdb:MD_Metadata"), nsmap=NAMESPACES)
    _identifier(_in(root, "mdb:metadataIdentifier"), one.page or one.id)
    locale = _in(root, "mdb:defaultLocale/lan:PT_Locale")
    _code(locale, "lan:language/lan:LanguageCode", "eng")
    _code(locale, "lan:characterEncoding/lan:MD_CharacterSetCode", "utf8")
    _code(_in(root, "mdb:metadataScope/mdb:MD_MetadataScope"), "mdb:resourceScope/mcc:MD_ScopeCode", "series")
    _party(_in(root, "mdb:contact"), publisher.name, "publisher", publisher.contact, publisher.base)
    _date(_in(root, "mdb:dateInfo"), one.updated, "revision")
    _words(_in(root, "mdb:metadataStandard/cit:CI_Citation"), "cit:title", "ISO 19115-3")
    _identification(_in(root, "mdb:identificationInfo/mri:MD_DataIdentification"), one)
    options = _in(root, "mdb:distributionInfo/mrd:MD_Distribution/mrd:transferOptions/mrd:MD_DigitalTransferOptions")
    pages = [(one.landing, "Page at the partner", "information"), (one.page, "Page in the catalogue", "information")]
    for href, title, function in [*pages, *((file.href, file.title, "download") for file in one.distributions)]:
        if href:
            _online(_in(options, "mrd:onLine"), href, title, function)
    return root


def iso_bytes(one: Described, publisher: Publisher) -> bytes:
    """Return the record as a document."""
    body = etree.tostring(iso_record(one, publisher), encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return bytes(body)


def _identification(about: etree._Element, one: Described) -> None:
    citation = _in(about, "mri:citation/cit:CI_Citation")
    _words(citation, "cit:title", one.title)
    _date(_in(citation, "cit:date"), one.updated, "revision")
    _identifier(_in(citation, "cit:identifier"), one.doi or one.id, "https://doi.org" if one.doi else None)
    for name in one.creators:
        _party(_in(citation, "cit:citedResponsibleParty"), name, "author")
    _party(_in(citation, "cit:citedResponsibleParty"), one.partner, "publisher")
    _words(about, "mri:abstract", one.abstract)
    for name, mail in one.contacts or ((one.partner, ""),):
        _party(_in(about, "mri:pointOfContact"), name, "pointOfContact", mail)
    for category in topic_categories(one.spheres):
        _in(about, "mri:topicCategory/mri:MD_TopicCategoryCode").text = category
    _extent(about, one)
    words = [*one.keywords, *one.variables]
    if words:
        keywords = _in(about, "mri:descriptiveKeywords/mri:MD_Keywords")
        for word in words:
            _words(keywords, "mri:keyword", word)
    _terms(about, one)
    _code(_in(about, "mri:defaultLocale/lan:PT_Locale"), "lan:language/lan:LanguageCode", "eng")


def _extent(about: etree._Element, one: Described) -> None:
    if one.box is None and not (one.start or one.end):
        return
    extent = _in(about, "mri:extent/gex:EX_Extent")
    if one.box is not None:
        box = _in(extent, "gex:geographicElement/gex:EX_GeographicBoundingBox")
        west, south, east, north = one.box
        sides = {"west": ("Longitude", west), "east": ("Longitude", east), "south": ("Latitude", south)}
        for side, (axis, degrees) in (sides | {"north": ("Latitude", north)}).items():
            _in(box, f"gex:{side}Bound{axis}/gco:Decimal").text = f"{degrees:.10g}"
    if one.start or one.end:
        period = _in(extent, "gex:temporalElement/gex:EX_TemporalExtent/gex:extent/gml:TimePeriod")
        period.set(_name("gml:id"), "time")
        for end, moment in (("begin", one.start), ("end", one.end)):
            position = _in(period, f"gml:{end}Position")
            position.text = moment
            if moment is None:
                position.set("indeterminatePosition", "unknown" if end == "begin" else "now")


def _terms(about: etree._Element, one: Described) -> None:
    words, href = one.license
    if not words and not href and not one.restricted:
        return
    legal = _in(about, "mri:resourceConstraints/mco:MD_LegalConstraints")
    if words or href:
        citation = _in(legal, "mco:reference/cit:CI_Citation")
        _words(citation, "cit:title", words or href or "")
        if href:
            _online(_in(citation, "cit:onlineResource"), href, words or href, "information")
    _code(legal, "mco:accessConstraints/mco:MD_RestrictionCode", "restricted" if one.restricted else "unrestricted")
    _code(legal, "mco:useConstraints/mco:MD_RestrictionCode", "licence")


def _party(parent: etree._Element, name: str, role: str, mail: str = "", page: str = "") -> None:
    responsibility = _in(parent, "cit:CI_Responsibility")
    _code(responsibility, "cit:role/cit:CI_RoleCode", role)
    party = _in(responsibility, "cit:party/cit:CI_Organisation")
    _words(party, "cit:name", name)
    if mail or page:
        contact = _in(party, "cit:contactInfo/cit:CI_Contact")
        if mail:
            _words(_in(contact, "cit:address/cit:CI_Address"), "cit:electronicMailAddress", mail)
        if page:
            _online(_in(contact, "cit:onlineResource"), page, name, "information")


def _online(parent: etree._Element, href: str, title: str, function: str) -> None:
    resource = _in(parent, "cit:CI_OnlineResource")
    _words(resource, "cit:linkage", href)
    _words(resource, "cit:protocol", "WWW:LINK")
    _words(resource, "cit:name", title)
    _code(resource, "cit:function/cit:CI_OnLineFunctionCode", function)


def _date(parent: etree._Element, moment: str | None, kind: str) -> None:
    if moment is None:
        parent.set(_name("gco:nilReason"), "unknown")
        return
    date = _in(parent, "cit:CI_Date")
    _in(date, "cit:date/gco:DateTime").text = moment
    _code(date, "cit:dateType/cit:CI_DateTypeCode", kind)


def _identifier(parent: etree._Element, code: str, space: str | None = None) -> None:
    identifier = _in(parent, "mcc:MD_Identifier")
    _words(identifier, "mcc:code", code)
    if space:
        _words(identifier, "mcc:codeSpace", space)


def _words(parent: etree._Element, tag: str, words: str) -> None:
    _in(parent, f"{tag}/gco:CharacterString").text = words


def _code(parent: etree._Element, path: str, value: str) -> None:
    element = _in(parent, path)
    element.set("codeList", f"{_CODES}#{path.rpartition(':')[2]}")
    element.set("codeListValue", value)


def _in(parent: etree._Element, path: str) -> etree._Element:
    """Append the elements of a path, each in the one before, and return the last."""
    for tag in path.split("/"):
        parent = etree.SubElement(parent, _name(tag))
    return parent


def _name(tag: str) -> str:
    prefix, _, name = tag.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{name}"
