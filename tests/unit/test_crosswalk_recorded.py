"""Every recorded XML and JSON record is described, or refused in one line that says what and where."""

from __future__ import annotations

import pytest

from builder.crosswalks import describe
from builder.dataset import Dataset
from builder.errors import IaosError, ProtocolError, RecordError
from builder.sources.protocol import Record
from builder.strictxml import format_of, local_name, parse_lenient_encoding

OURS = {"pan_md", "datacite", "oai_dc", "iso19139", "dif"}
INSIDE = {"dc": "oai_dc"}

# PROVENANCE.md: the three files that are not well-formed, and OAI answers that hold no record or several.
NOT_WELL_FORMED = {
    "iso/ckanext-spatial/error_bad_xml.xml",
    "iso/py-mmd-tools/not_a_valid_xml.xml",
    "oaipmh/mit-dspace/get_record_http500_empty.xml",
    "oaipmh/sickle-sample/ListRecordsBroken.xml",
}


def kind_of(body, where):
    root, _ = parse_lenient_encoding(body, where=where)
    inner = {INSIDE[local_name(e)] for e in root.iter("*") if local_name(e) in INSIDE}
    return format_of(root) or (inner.pop() if inner else None)


@pytest.fixture(scope="module")
def outcomes(shared_data):
    base = shared_data / "harvest"
    files = [
        file for top in ("iso", "oaipmh") for file in sorted((base / top).rglob("*.xml")) if "damocles" not in str(file)
    ]
    found = {}
    for file in files:
        name = file.relative_to(base).as_posix()
        body = file.read_bytes()
        try:
            kind = kind_of(body, name)
            if kind in OURS:
                found[name] = describe(Record(name, kind, body, "application/xml", f"https://example.org/{name}"))
        except IaosError as trouble:
            found[name] = trouble
    for name, outcome in found.items():
        says = outcome.title if isinstance(outcome, Dataset) else f"refused: {outcome}"
        print(f"{name:75} {says}")
    return found


def test_every_record_is_described_or_refused_in_one_line(outcomes):
    refused = {name: trouble for name, trouble in outcomes.items() if isinstance(trouble, IaosError)}
    assert {name for name, trouble in refused.items() if isinstance(trouble, ProtocolError)} == NOT_WELL_FORMED
    for name, trouble in refused.items():
        assert name in str(trouble)
        assert len(str(trouble).splitlines()) == 1
        assert isinstance(trouble, ProtocolError | RecordError)
    assert len(outcomes) - len(refused) >= 20
    assert all(one.title for one in outcomes.values() if isinstance(one, Dataset))


def test_an_envelope_with_several_records_is_refused(shared_data):
    body = b"<a><MD_Metadata/><MD_Metadata/></a>"
    with pytest.raises(RecordError, match="the root is <a>"):
        describe(Record("x", "iso19139", body, "application/xml", "u"))


@pytest.mark.parametrize("kind", sorted(OURS))
def test_a_document_of_another_kind_is_refused(kind):
    with pytest.raises(RecordError, match="the root is <other>"):
        describe(Record("x", kind, b"<other/>", "application/xml", "u"))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'"text"', b"null", b"<html></html>", b"\xff\xfe"])
@pytest.mark.parametrize("kind", ["schemaorg", "datacite"])
def test_json_that_is_none_of_ours_is_refused(kind, body):
    with pytest.raises((RecordError, ProtocolError)):
        describe(Record("x", kind, body, "application/json", "u"))
