"""How to cite a dataset: as text, as BibTeX, as RIS and as CSL JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson

from builder.pages.facts import doi_href, doi_of
from builder.pages.markup import safe_href
from builder.pages.values import Json, links, mappings, properties, text, texts

AUTHOR_ROLES = ("author", "principalInvestigator", "originator", "creator", "producer")
"""In order of preference; ISO 19115 role codes and STAC provider roles."""
MOST_NAMES = 40
"""Makers of a dataset that are named; a collection of many records has hundreds."""
ET_AL = "et al."
_YEAR = re.compile(r"\b(19|20)\d\d\b")
_BIBTEX = str.maketrans(
    {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_", "$": r"\$"}
)


@dataclass(frozen=True, slots=True)
class Citation:
    """One citation in four forms, and who made the data, at most `MOST_NAMES` and `ET_AL`."""

    makers: tuple[str, ...]
    words: str
    href: str | None
    bibtex: str
    ris: str
    csl: str


def creators(stac: Json) -> list[str]:
    """Return the names of those who made the data: contacts by role, else the providers that produced it.

    Of more than `MOST_NAMES` the others are "et al.".
    """
    fields = properties(stac)
    people = mappings(fields.get("contacts")) or mappings(stac.get("contacts"))
    people += mappings(fields.get("providers")) or mappings(stac.get("providers"))
    parties = [(name, texts(one.get("roles"))) for one in people if (name := _name(one))]
    for role in AUTHOR_ROLES:
        names = [name for name, roles in parties if role in roles]
        if names:
            distinct = list(dict.fromkeys(names))
            return [*distinct[:MOST_NAMES], ET_AL] if len(distinct) > MOST_NAMES else distinct
    return []


def _name(party: Json) -> str | None:
    return text(party.get("name")) or text(party.get("organization"))


def landing_page(stac: Json) -> str | None:
    """Return the partner's own page of a dataset: its canonical link, its DOI, or the record's page."""
    doi = doi_of(stac)
    candidates = [*links(stac, "canonical", "cite-as")]
    if not candidates and doi:
        return doi_href(doi)
    candidates += [link for link in links(stac, "via", "about") if _is_page(link)]
    hrefs = (safe_href(link.get("href")) for link in candidates)
    return next((href for href in hrefs if href and href.startswith("http")), None)


def _is_page(link: Json) -> bool:
    """Tell whether a link leads to something for people, not to a document for programs."""
    media = text(link.get("type"))
    return media == "text/html" or (media is None and not str(link.get("href")).endswith((".xml", ".json")))


def cite(stac: Json, publisher: str | None) -> Citation:
    """Cite an Item or Collection.

    Args:
        stac: The object; its own ``sci:citation`` wins over what would be composed.
        publisher: The partner's name.
    """
    parts = _parts(stac, publisher)
    key = text(stac.get("id"))
    return Citation(
        tuple(parts.names), _sentence(stac, parts), parts.href, _bibtex(key, parts), _ris(parts), _csl(key, parts)
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    names: list[str]
    year: str | None
    title: str
    version: str | None
    publisher: str | None
    doi: str | None
    href: str | None


def _parts(stac: Json, publisher: str | None) -> _Parts:
    fields, doi = properties(stac), doi_of(stac)
    title = text(fields.get("title")) or text(stac.get("id")) or ""
    href = doi_href(doi) if doi else landing_page(stac)
    return _Parts(creators(stac), _year(stac), title, text(fields.get("version")), publisher, doi, href)


def _sentence(stac: Json, parts: _Parts) -> str:
    own = text(properties(stac).get("sci:citation"))
    if own:
        return own
    makers = "; ".join(parts.names) or parts.publisher or ""
    sentences = [f"{makers} ({parts.year or 'n.d.'}): {parts.title}."]
    sentences += [f"Version {parts.version}."] if parts.version else []
    sentences += [f"{parts.publisher}."] if parts.publisher and parts.names else []
    sentences += [parts.href] if parts.href else []
    return " ".join(sentences).strip()


def _bibtex(key: str | None, parts: _Parts) -> str:
    makers = parts.names or [parts.publisher or ""]
    entries = {
        "author": " and ".join("others" if name == ET_AL else f"{{{_bib(name)}}}" for name in makers if name),
        "title": f"{{{_bib(parts.title)}}}",
        "year": parts.year,
        "publisher": _bib(parts.publisher or ""),
        "version": _bib(parts.version or ""),
        "doi": parts.doi,
        "url": parts.href,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in entries.items() if value]
    name = re.sub(r"[^A-Za-z0-9]+", "-", key or "dataset").strip("-")
    return "\n".join([f"@misc{{{name},", *lines, "}"])


def _ris(parts: _Parts) -> str:
    tags = [("TY", "DATA"), *(("AU", name) for name in parts.names), ("TI", parts.title), ("PY", parts.year)]
    tags += [("PB", parts.publisher), ("DO", parts.doi), ("UR", parts.href), ("ER", "")]
    return "\n".join(f"{tag}  - {' '.join(value.split())}" for tag, value in tags if value is not None)


def _csl(key: str | None, parts: _Parts) -> str:
    """Return CSL JSON (citation-style-language schema 1.0.2), an array as reference managers import it."""
    said = {
        "id": key or "dataset",
        "type": "dataset",
        "title": parts.title,
        "author": [_csl_name(name) for name in parts.names],
        "issued": {"date-parts": [[int(parts.year)]]} if parts.year else None,
        "publisher": parts.publisher,
        "version": parts.version,
        "DOI": parts.doi,
        "URL": parts.href,
    }
    known = {name: value for name, value in said.items() if value}
    return orjson.dumps([known], option=orjson.OPT_INDENT_2).decode()


def _csl_name(name: str) -> dict[str, str]:
    """Return a name in parts where it is written with one comma, else as it stands."""
    family, comma, given = (part.strip() for part in name.partition(","))
    return {"family": family, "given": given} if comma and given and "," not in given else {"literal": name}


def _year(stac: Json) -> str | None:
    fields = properties(stac)
    for field in ("published", "created", "updated", "datetime", "end_datetime", "start_datetime"):
        found = _YEAR.search(text(fields.get(field)) or "")
        if found:
            return found.group()
    return None


def _bib(words: str) -> str:
    return " ".join(words.translate(_BIBTEX).split())
