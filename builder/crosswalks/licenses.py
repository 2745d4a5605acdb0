"""Licences in the many ways partners name them, as SPDX identifiers or ``other``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from builder.dataset import License

_NAMED = {
    "cc-by": "CC-BY-4.0",
    "cc-by-sa": "CC-BY-SA-4.0",
    "cc-zero": "CC0-1.0",
    "cc0": "CC0-1.0",
    "cczero": "CC0-1.0",
    "odc-by": "ODC-By-1.0",
    "odc-odbl": "ODbL-1.0",
    "odbl": "ODbL-1.0",
    "odc-pddl": "PDDL-1.0",
    "uk-ogl": "OGL-UK-3.0",
    "ogl-can-2.0": "OGL-Canada-2.0",
    "ca-ogl-lgo": "OGL-Canada-2.0",
    "government-open-license-canada": "OGL-Canada-2.0",
    "nlod": "NLOD-2.0",
    "dl-de-by-2.0": "DL-DE-BY-2.0",
    "dl-de-zero-2.0": "DL-DE-ZERO-2.0",
}
"""Identifiers of CKAN and of portals → SPDX; the unversioned ones as the Open Definition's register resolves them."""

_UNSAID = frozenset({"", "none", "null", "n/a", "unknown"})
_NOT_SPECIFIED = frozenset({"notspecified", "not-specified", "license not specified", "not specified"})

_URLS = (
    (
        r"creativecommons\.org/licenses/(?P<cc>by(?:-nc)?(?:-sa|-nd)?)/(?P<version>\d\.\d)(?:/(?P<port>[a-z]{2,3})\b)?",
        "",
    ),
    (r"creativecommons\.org/publicdomain/zero/1\.0", "CC0-1.0"),
    (r"creativecommons\.org/publicdomain/mark/1\.0", "CC-PDM-1.0"),
    (r"opendatacommons\.org/licenses/by", "ODC-By-1.0"),
    (r"opendatacommons\.org/licenses/odbl", "ODbL-1.0"),
    (r"opendatacommons\.org/licenses/pddl", "PDDL-1.0"),
    (r"nationalarchives\.gov\.uk/doc/open-government-licence/version/(?P<ogl>[123])", ""),
    (r"open\.canada\.ca/\w\w/open-government-licence-canada", "OGL-Canada-2.0"),
    (r"data\.norge\.no/nlod/\w\w/(?P<nlod>[12]\.0)", ""),
    (r"govdata\.de/dl-de/by-2-0", "DL-DE-BY-2.0"),
    (r"govdata\.de/dl-de/zero-2-0", "DL-DE-ZERO-2.0"),
    (r"(?:spdx\.org/licenses|opensource\.org/licenses?)/(?P<spdx>[\w.+-]+?)(?:\.html|\.json)?(?=[\s/?#)>,;]|$)", ""),
    (r"opendefinition\.org/licenses/(?P<named>[\w.-]+)", ""),
)
_ADDRESSES = tuple((re.compile(pattern, re.ASCII | re.IGNORECASE), spdx) for pattern, spdx in _URLS)

_CC_SHORT = re.compile(
    r"\bCC[ -]BY(?P<parts>(?:[ -](?:NC|SA|ND))*)[ -]?v?(?P<version>[1-4]\.[05])(?:[ -](?P<port>IGO|[A-Z]{2})\b)?",
    re.ASCII | re.IGNORECASE,
)
_CC_LONG = re.compile(
    r"Creative Commons:? Attribution"
    r"(?P<parts>(?:[ -]*(?:Non-?Commercial|Share-?Alike|No-?Deriv(?:ative)?s?(?: Works)?))*)"
    r"[ ,-]*(?:\([A-Z -]+\) )?(?:International )?(?:Public )?(?:License )?v?(?P<version>[1-4]\.[05])",
    re.ASCII | re.IGNORECASE,
)
_CC_ZERO = re.compile(r"\bCC[ -]?(?:0|Zero)\b|Creative Commons (?:CC)?Zero", re.ASCII | re.IGNORECASE)
_OGL_UK = re.compile(r"Open Government Licen[cs]e v(?P<ogl>[123])\.0", re.ASCII | re.IGNORECASE)


def license_of(text: str | None, url: str | None = None) -> License | None:
    """Name a licence by its SPDX identifier.

    Knows SPDX identifiers in any case, CKAN's and portals' identifiers, PANGAEA's ``id: name``
    labels, the addresses and full names of Creative Commons, Open Data Commons and open government
    licences, and sentences that name exactly one of these.

    Returns:
        The licence; ``other`` with the partner's words and address where it is none of these (STAC
        1.1, common metadata) or where several are named; None where nothing is said.
    """
    words, address = _meant(text), _meant(url)
    found = _spdx_of(words) or _spdx_of(address)
    if found:
        return License(found, url=_home(found))
    if words.lower() in _NOT_SPECIFIED:
        words = "License not specified"
    return License("other", words or None, address or _only_address(words)) if words or address else None


def _meant(text: str | None) -> str:
    words = " ".join((text or "").split())
    return "" if words.lower() in _UNSAID else words


def clearest(terms: Iterable[License | None]) -> License | None:
    """Return the first licence that has an SPDX identifier, else the first of all."""
    said = [one for one in terms if one]
    return next((one for one in said if one.id != "other"), said[0] if said else None)


@lru_cache(maxsize=4096)
def _spdx_of(words: str) -> str | None:
    label = words.partition(": ")[0]
    whole = _identifier(label) or _NAMED.get(label.lower().removesuffix("/"))
    if whole:
        return whole
    named = {*_in_addresses(words), *_in_words(words)}
    return named.pop() if len(named) == 1 else None


def _in_addresses(words: str) -> list[str]:
    found = ((match, spdx) for pattern, spdx in _ADDRESSES for match in pattern.finditer(words))
    return [name for name in (spdx or _of_match(match) for match, spdx in found) if name]


def _of_match(match: re.Match[str]) -> str | None:
    parts = match.groupdict()
    match parts:
        case {"cc": kind, "version": version, "port": port}:
            return _creative_commons(kind, version, port)
        case {"ogl": version}:
            return f"OGL-UK-{version}.0"
        case {"nlod": version}:
            return f"NLOD-{version}"
        case {"spdx": name} | {"named": name}:
            return _NAMED.get(name.lower()) or _identifier(name)
    return None


def _in_words(words: str) -> list[str]:
    found = []
    for match in (*_CC_SHORT.finditer(words), *_CC_LONG.finditer(words)):
        said = re.sub(r"[^A-Z]", "", match["parts"].upper())
        kinds = [code for code, long in _CC_PARTS if code in said or long in said]
        found.append(_creative_commons("-".join(["by", *kinds]), match["version"], match.groupdict().get("port")))
    found += ["CC0-1.0" for _ in _CC_ZERO.finditer(words)]
    found += [f"OGL-UK-{match['ogl']}.0" for match in _OGL_UK.finditer(words)]
    return [name for name in found if name]


_CC_PARTS = (("NC", "NONCOMMERCIAL"), ("SA", "SHAREALIKE"), ("ND", "NODERIV"))


def _creative_commons(kind: str, version: str, port: str | None) -> str | None:
    """Name a Creative Commons licence; a national port that SPDX does not list is named without its country."""
    return (_identifier(f"CC-{kind}-{version}-{port}") if port else None) or _identifier(f"CC-{kind}-{version}")


def _identifier(word: str) -> str | None:
    """Return an SPDX identifier as SPDX spells it, or None where the word is none."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]{1,60}", word):
        return None
    try:
        name = str(canonicalize_license_expression(word))
    except InvalidLicenseExpression:
        return None
    return name if not name.startswith("LicenseRef-") else None


def _home(spdx: str) -> str:
    if spdx == "CC0-1.0":
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    parts = re.fullmatch(r"CC-(BY[A-Z-]*)-(\d\.\d)(?:-(\w+))?", spdx)
    if not parts:
        return f"https://spdx.org/licenses/{spdx}.html"
    port = f"{parts[3].lower()}/" if parts[3] else ""
    return f"https://creativecommons.org/licenses/{parts[1].lower()}/{parts[2]}/{port}"


def _only_address(words: str) -> str | None:
    found = re.findall(r"https?://[^\s\"'<>]+", words)
    return found[0].rstrip(".,;)") if len(found) == 1 else None
