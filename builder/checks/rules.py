"""The rules of the house: what a STAC object of this catalogue must be beyond what the schemas ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from builder.checks.shapes import faults
from builder.findings import Finding, Severity
from builder.stac.extents import moment
from builder.stac.layout import ROOT, resolve
from builder.stac.links import safe_href

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """One object under examination; its values may be of any type.

    Attributes:
        stac: The object.
        path: Its catalogue path.
        paths: All paths of the catalogue, pages and data included, and folders that are one asset.
    """

    stac: Json
    path: str
    paths: AbstractSet[str]

    @property
    def properties(self) -> Json:
        """An Item's properties, or the object itself where it has none."""
        properties = self.stac.get("properties")
        return properties if isinstance(properties, dict) else self.stac

    def links(self) -> Iterator[tuple[str, str, Json]]:
        """Yield relation, href and link of every well-formed link."""
        links = self.stac.get("links")
        for entry in links if isinstance(links, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("rel"), str) and isinstance(entry.get("href"), str):
                yield entry["rel"], entry["href"], entry

    def assets(self) -> Iterator[tuple[str, Json]]:
        """Yield key and asset of every well-formed asset."""
        assets = self.stac.get("assets")
        for key, asset in assets.items() if isinstance(assets, dict) else ():
            if isinstance(asset, dict) and isinstance(asset.get("href"), str):
                yield key, asset

    def hrefs(self) -> Iterator[tuple[str, str]]:
        """Yield what it is and the href of every link and asset."""
        for rel, href, _ in self.links():
            yield f"link {rel!r}", href
        for key, asset in self.assets():
            yield f"asset {key!r}", asset["href"]


Check = Callable[[Subject], Iterator[str]]
"""Yields one message per fault of an object."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        code: Stable code of its findings.
        severity: Severity of its findings.
        says: What it asks for, one sentence.
        hint: What to do about a finding.
        check: Finds the faults of one object; None for rules that look at the tree as a whole.
    """

    code: str
    severity: Severity
    says: str
    hint: str = ""
    check: Check | None = None

    def found(self, where: str, message: str) -> Finding:
        """Make a finding of this rule."""
        return Finding(self.code, self.severity, where, message, self.hint)


RULES: dict[str, Rule] = {}
"""Code → rule; filled by `rule` and by `tree_rule`."""


def rule(code: str, severity: Severity, hint: str = "") -> Callable[[Check], Check]:
    """Register a check of single objects; its docstring is the rule's sentence."""

    def register(check: Check) -> Check:
        RULES[code] = Rule(code, severity, (check.__doc__ or "").strip(), hint, check)
        return check

    return register


def tree_rule(code: str, severity: Severity, says: str, hint: str = "") -> Rule:
    """Register a rule about the tree as a whole and return it."""
    RULES[code] = Rule(code, severity, says, hint)
    return RULES[code]


def check_object(subject: Subject) -> Iterator[Finding]:
    """Apply every rule about single objects."""
    for entry in RULES.values():
        if entry.check is not None:
            for message in entry.check(subject):
                yield entry.found(subject.path, message)


@rule("stac.href-unsafe", Severity.ERROR, "use http, https or a relative path")
def _unsafe(subject: Subject) -> Iterator[str]:
    """Every href is http(s) without credentials, or relative within the catalogue."""
    for what, href in subject.hrefs():
        inside = "://" not in href and not resolve(subject.path, href).startswith("../")
        if safe_href(href if not inside else href.replace("../", "")) is None:
            yield f"{what} leads to {href[:200]!r}"


@rule("stac.link-missing", Severity.ERROR, "the target was not built, or the link is wrong")
def _missing(subject: Subject) -> Iterator[str]:
    """Every relative href leads to a file of the catalogue."""
    for what, href in subject.hrefs():
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", href) and resolve(subject.path, href) not in subject.paths:
            yield f"{what} leads to {href[:200]!r}, which is not there"


@rule("stac.link-root", Severity.ERROR)
def _root(subject: Subject) -> Iterator[str]:
    """Every object has one link to the root, and all but the root one to a parent."""
    rels = [(rel, href) for rel, href, _ in subject.links()]
    roots = [href for rel, href in rels if rel == "root"]
    parents = [href for rel, href in rels if rel == "parent"]
    if [resolve(subject.path, href) for href in roots] != [ROOT]:
        yield f"links to {len(roots)} roots: {roots[:3]}"
    if len(parents) != int(subject.path != ROOT):
        yield f"has {len(parents)} parent links"


@rule("stac.title-missing", Severity.WARNING, "give the record a title, or set one with an override")
def _titles(subject: Subject) -> Iterator[str]:
    """Every object, and every link to a child or item, has a title."""
    if not subject.properties.get("title"):
        yield "has no title"
    for rel, href, entry in subject.links():
        if rel in {"child", "item"} and not entry.get("title"):
            yield f"the {rel} link to {href[:200]!r} has no title"


@rule("stac.id-path", Severity.ERROR)
def _named(subject: Subject) -> Iterator[str]:
    """The file or folder of an Item or Collection is named after its id."""
    folder, _, name = subject.path.rpartition("/")
    expected = {"Feature": name.removesuffix(".json"), "Collection": folder.rpartition("/")[2]}.get(
        str(subject.stac.get("type"))
    )
    if expected is not None and subject.stac.get("id") != expected:
        yield f"has id {subject.stac.get('id')!r} but stands at {expected!r}"


@rule("stac.time-missing", Severity.ERROR)
def _timed(subject: Subject) -> Iterator[str]:
    """Every Item has a datetime, or a start and an end that is not before it."""
    if subject.stac.get("type") != "Feature":
        return
    properties = subject.properties
    start, end = properties.get("start_datetime"), properties.get("end_datetime")
    if not properties.get("datetime") and not (start and end):
        yield "has neither a datetime nor a start and an end"
    if start and end and moment(str(end)) < moment(str(start)):
        yield f"ends ({end}) before it starts ({start})"


@rule("stac.media-type", Severity.WARNING, "say what the asset is, e.g. `application/netcdf`")
def _typed(subject: Subject) -> Iterator[str]:
    """Every asset has a well-formed media type."""
    for key, asset in subject.assets():
        media = asset.get("type")
        if not isinstance(media, str) or not re.match(r"[\w.+-]+/[\w.+-]+(\s*;.*)?$", media):
            yield f"asset {key!r} has media type {media!r}"


@rule("stac.restricted-open", Severity.ERROR, "restricted data may only be listed with `auth:refs`")
def _closed(subject: Subject) -> Iterator[str]:
    """Restricted data is only listed: its assets name a login and none is copied or referenced."""
    assets = dict(subject.assets())
    closed = {key for key, asset in assets.items() if asset.get("auth:refs")}
    must = {key for key, asset in assets.items() if "data" in (asset.get("roles") or ())}
    if not subject.properties.get("iaos:restricted"):
        must = closed
    if "references" in assets and must:
        yield "offers kerchunk references although its data needs a login"
    yield from (f"asset {key!r} is open although the data needs a login" for key in sorted(must - closed))
    for key in sorted(closed):
        if "://" not in assets[key]["href"]:
            yield f"asset {key!r} needs a login but is copied into the catalogue"


@rule("stac.geometry", Severity.ERROR, "see RFC 7946")
def _shaped(subject: Subject) -> Iterator[str]:
    """Geometry and bbox follow RFC 7946: degrees in range, closed rings, cut at the antimeridian, box around it."""
    if subject.stac.get("type") == "Feature":
        yield from faults(subject.stac.get("geometry"), subject.stac.get("bbox"))


@rule("stac.license", Severity.WARNING, "set `license`, or `license_url` beside `other`")
def _licensed(subject: Subject) -> Iterator[str]:
    """A Collection whose licence is `other` links to its text."""
    other = subject.stac.get("type") == "Collection" and subject.stac.get("license") == "other"
    if other and not any(rel == "license" for rel, _, _ in subject.links()):
        yield "has licence `other` and no license link"
