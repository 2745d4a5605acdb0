"""Citations as other programs read them: bibtexparser, rispy and citeproc-py."""

from __future__ import annotations

import json

import bibtexparser
import pytest
import rispy
from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON

from builder.pages.citation import cite
from tests.unit.pages_samples import CTD, TABLE

PUBLISHER = "Alfred Wegener Institute"


@pytest.fixture(scope="module")
def cited():
    return cite(TABLE, PUBLISHER)


def test_bibtexparser_reads_the_bibtex(cited):
    library = bibtexparser.parse_string(cited.bibtex)
    assert not library.failed_blocks
    (entry,) = library.entries
    assert (entry.entry_type, entry.key) == ("misc", "pangaea-902845")
    fields = {key: field.value for key, field in entry.fields_dict.items()}
    assert fields["doi"] == "10.1594/PANGAEA.902845"
    assert (fields["year"], fields["version"], fields["publisher"]) == ("2019", "2", PUBLISHER)
    assert fields["author"] == "{Muster, Erika} and {Núñez \\& Søn, Árni}"


def test_rispy_reads_the_ris(cited):
    (entry,) = rispy.loads(cited.ris)
    assert entry["type_of_reference"] == "DATA"
    assert entry["authors"] == ["Muster, Erika", "Núñez & Søn, Árni"]
    assert (entry["year"], entry["doi"]) == ("2019", "10.1594/PANGAEA.902845")
    assert entry["urls"] == ["https://doi.org/10.1594/PANGAEA.902845"]
    assert entry["title"].startswith("Physical oceanography")


def test_citeproc_writes_a_reference_from_the_csl_json(cited):
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    bibliography = CitationStylesBibliography(style, CiteProcJSON(json.loads(cited.csl)), formatter.plain)
    bibliography.register(Citation([CitationItem("pangaea-902845")]))
    (written,) = map(str, bibliography.bibliography())
    assert "Muster, E" in written
    assert "2019" in written
    assert "Physical oceanography and benthos samples from the Greenland Sea" in written


def test_an_organisation_is_named_as_it_stands():
    (entry,) = json.loads(cite(CTD, None).csl)
    assert entry["author"] == [{"literal": "Institute of Marine Research"}]
    assert "publisher" not in entry


def test_of_very_many_makers_the_first_are_named():
    contacts = [{"name": f"Maker {number}", "roles": ["author"]} for number in range(300)]
    many = cite(TABLE | {"properties": TABLE["properties"] | {"contacts": contacts}}, PUBLISHER)
    (entry,) = bibtexparser.parse_string(many.bibtex).entries
    assert entry.fields_dict["author"].value.split(" and ")[39:] == ["{Maker 39}", "others"]
    assert rispy.loads(many.ris)[0]["authors"][39:] == ["Maker 39", "et al."]
    assert len(json.loads(many.csl)[0]["author"]) == 41
