"""Licences as partners write them; identifiers from the SPDX list, CKAN ids from CKAN's own default list."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.crosswalks.dois import doi_of, same_doi
from builder.crosswalks.licenses import license_of
from builder.dataset import License

BY4 = "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    ("text", "url", "spdx"),
    [
        ("CC-BY-4.0", None, "CC-BY-4.0"),
        ("cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/legalcode", "CC-BY-4.0"),
        ("CC-BY-3.0: Creative Commons Attribution 3.0 Unported", None, "CC-BY-3.0"),
        ("CC-BY-NC-SA-4.0: Creative Commons Attribution-NonCommercial-ShareAlike 4.0", None, "CC-BY-NC-SA-4.0"),
        (None, "https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        (None, "http://creativecommons.org/licenses/by-nc-nd/3.0/de/", "CC-BY-NC-ND-3.0-DE"),
        (None, "http://creativecommons.org/licenses/by/2.5/ch/", "CC-BY-2.5"),
        (None, "https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("Creative Commons Attribution 4.0", None, "CC-BY-4.0"),
        ("CC BY 4.0", None, "CC-BY-4.0"),
        ("CC BY-NC 4.0 International", None, "CC-BY-NC-4.0"),
        (
            "This work is under a Creative Commons Attribution-ShareAlike 4.0 International License.",
            None,
            "CC-BY-SA-4.0",
        ),
        (f"Data are free to use ({BY4}).", None, "CC-BY-4.0"),
        ("http://spdx.org/licenses/CC-BY-4.0 (CC-BY-4.0)", None, "CC-BY-4.0"),
        ("https://spdx.org/licenses/CC-BY-4.0.html", None, "CC-BY-4.0"),
        ("cc-by", "http://www.opendefinition.org/licenses/cc-by", "CC-BY-4.0"),
        ("cc-zero", "http://www.opendefinition.org/licenses/cc-zero", "CC0-1.0"),
        ("odc-odbl", "https://opendefinition.org/licenses/odc-odbl", "ODbL-1.0"),
        ("ODC-By", "https://opendatacommons.org/licenses/by/1-0/", "ODC-By-1.0"),
        ("OGL-CAN-2.0", "https://open.canada.ca/en/open-government-licence-canada", "OGL-Canada-2.0"),
        ("government-open-license-canada", None, "OGL-Canada-2.0"),
        ("uk-ogl", None, "OGL-UK-3.0"),
        (None, "http://www.nationalarchives.gov.uk/doc/open-government-licence/version/2/", "OGL-UK-2.0"),
        (None, "https://data.norge.no/nlod/en/2.0", "NLOD-2.0"),
        ("mit", None, "MIT"),
    ],
)
def test_known_licences_get_their_spdx_identifier(text, url, spdx):
    found = license_of(text, url)
    assert found is not None
    assert found.id == spdx
    assert found.url


def test_the_same_licence_is_equal_however_it_was_written():
    ways = [
        ("CC-BY-4.0", None),
        ("cc-by-4.0", BY4 + "legalcode"),
        (None, BY4),
        ("Creative Commons Attribution 4.0", None),
    ]
    assert {license_of(*way) for way in ways} == {License("CC-BY-4.0", url=BY4)}


@pytest.mark.parametrize(
    ("text", "url", "expected"),
    [
        ("notspecified", None, License("other", "License not specified")),
        ("other-open", None, License("other", "other-open")),
        ("other-pd", None, License("other", "other-pd")),
        ("wsl-data", "https://www.wsl.ch/policy.html", License("other", "wsl-data", "https://www.wsl.ch/policy.html")),
        ("Ask the station leader first.", None, License("other", "Ask the station leader first.")),
        ("Terms: https://example.org/terms.", None,
         License("other", "Terms: https://example.org/terms.", "https://example.org/terms")),
        ("CC BY 4.0 for the data, CC BY-NC 4.0 for the photographs", None,
         License("other", "CC BY 4.0 for the data, CC BY-NC 4.0 for the photographs")),
        ("Creative Commons Attribution", None, License("other", "Creative Commons Attribution")),
        ("LicenseRef-mine", None, License("other", "LicenseRef-mine")),
    ],
)  # fmt: skip
def test_other_terms_keep_the_partners_words(text, url, expected):
    assert license_of(text, url) == expected


@pytest.mark.parametrize("text", [None, "", "  ", "None", "null"])
def test_nothing_said_is_no_licence(text):
    assert license_of(text) is None
    assert license_of(text, BY4) == License("CC-BY-4.0", url=BY4)


@given(st.text(), st.none() | st.text())
def test_any_text_gives_what_stac_allows(text, url):
    found = license_of(text, url)
    assert found is None or re.fullmatch(r"[\w.+-]+", found.id)


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("https://doi.org/10.1594/PANGAEA.902845", "10.1594/PANGAEA.902845"),
        ("http://dx.doi.org/10.1594/pangaea.902845", "10.1594/pangaea.902845"),
        ("doi:10.1594/PANGAEA.902845", "10.1594/PANGAEA.902845"),
        ("oai:pangaea.de:doi:10.1594/PANGAEA.788382", "10.1594/PANGAEA.788382"),
        ("https://doi.pangaea.de/10.1594/PANGAEA.902845?format=zip", "10.1594/PANGAEA.902845"),
        ("https://doi.org/10.1594%2FPANGAEA.902845", "10.1594/PANGAEA.902845"),
        ("PANGAEA.902845", "10.1594/PANGAEA.902845"),
        ("PANGAEA_902845", "10.1594/PANGAEA.902845"),
        ("Physica 19 (1953), https://doi.org/10.1016/S0031-8914(53)80099-6.", "10.1016/S0031-8914(53)80099-6"),
        ("(see 10.1038/s41598-018-20389-y)", "10.1038/s41598-018-20389-y"),
        ("210.1038/5", None),
        ("10.12/too-short", None),
        ("no doi", None),
        ("", None),
        (None, None),
    ],
)
def test_dois_are_found(text, doi):
    assert doi_of(text) == doi


def test_dois_do_not_distinguish_case():
    assert same_doi("https://doi.org/10.1594/pangaea.902845", "PANGAEA.902845")
    assert not same_doi("10.1594/PANGAEA.902845", "10.1594/PANGAEA.902846")
    assert not same_doi(None, None)


@given(st.text())
def test_any_text_may_hold_no_doi(text):
    found = doi_of(text)
    assert found is None or found.startswith("10.")
