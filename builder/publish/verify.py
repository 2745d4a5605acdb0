"""Reads a published catalogue as its users do, from the root to the leaves, and compares it with its manifest."""

from __future__ import annotations

import gzip
import posixpath
import random
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import orjson

from builder import clock
from builder.findings import Finding, error, warning
from builder.manifest import Published
from builder.publish import bucket as state
from builder.publish import probes
from builder.publish.headers import is_ranged
from builder.publish.plan import stamp
from builder.publish.site import Site, Unreadable, open_site

if TYPE_CHECKING:
    from builder.progress import Advance

ROOT = "catalog.json"
WORKERS = 16


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` looked at and found.

    Attributes:
        objects: How many the manifest has; 0 where there is none, as in a folder that was built, not published.
        read: How many were looked at, of the manifest's and of those that links lead to.
        findings: What is wrong.
    """

    objects: int
    read: int
    findings: list[Finding]


def verify(url: str, advance: Advance, *, sample: int | None = None, endpoint: str | None = None) -> Verified:
    """Check a published catalogue: links, bytes, ranges, CORS and age.

    Args:
        url: ``https://…``, a folder, or an address `open_store` understands.
        advance: Called once per object read.
        sample: Read all catalogues and collections, but only so many objects below them, chosen at random from the
            manifest; none where there is none.
        endpoint: Address of an S3-compatible server.

    Raises:
        UsageError: The address is not understood.
    """
    with open_site(url, endpoint) as site:
        manifest, findings = _manifest(site)
        chosen = _chosen(manifest, sample)
        walk = _Walk(site, manifest, chosen, advance)
        findings += walk.run()
        findings += _freshness(site)
        findings += _probe(site, manifest)
    return Verified(len(manifest), len(walk.seen), sorted(set(findings)))


def _manifest(site: Site) -> tuple[dict[str, Published], list[Finding]]:
    hint = "publish with `iaos publish`, and let readers see _state/"
    try:
        return state.bucket_of(site.read(state.MANIFEST)).files, []
    except Unreadable as trouble:
        return {}, [error("verify.manifest", state.MANIFEST, trouble.message, hint)]
    except (gzip.BadGzipFile, zlib.error, EOFError, orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return {}, [error("verify.manifest", state.MANIFEST, "is damaged", hint)]


def _chosen(manifest: dict[str, Published], sample: int | None) -> frozenset[str] | None:
    if sample is None or 0 < len(manifest) <= sample:
        return None
    return frozenset(random.SystemRandom().sample(sorted(manifest), min(sample, len(manifest))))


class _Walk:
    """Follows links from the root, each object once; then reads what no document names."""

    def __init__(
        self, site: Site, manifest: dict[str, Published], chosen: frozenset[str] | None, advance: Advance
    ) -> None:
        self.site = site
        self.manifest = manifest
        self.chosen = chosen
        self.advance = advance
        self.seen: set[str] = set()

    def run(self) -> list[Finding]:
        findings: list[Finding] = []
        level = [ROOT]
        with ThreadPoolExecutor(WORKERS) as pool:
            while level:
                self.seen.update(level)
                found: set[str] = set()
                for said, links in pool.map(self._document, level):
                    findings += said
                    found |= links
                    self.advance("verify")
                level = sorted(found - self.seen)
            rest = sorted((self.manifest.keys() if self.chosen is None else self.chosen) - self.seen)
            self.seen.update(rest)
            for said in pool.map(self._object, rest):
                findings += said
                self.advance("verify")
        return findings

    def _document(self, path: str) -> tuple[list[Finding], set[str]]:
        """Read one STAC document; return findings and the documents it leads to."""
        try:
            data = self.site.read(path)
        except Unreadable as trouble:
            return [error("verify.missing", path, trouble.message, "publish again")], set()
        findings = self._compare(path, sha256(data).hexdigest())
        try:
            content = orjson.loads(data)
            links = list(_links(content, path))
        except (orjson.JSONDecodeError, AttributeError, TypeError, KeyError):
            return [*findings, error("verify.invalid", path, "is no STAC document", "publish again")], set()
        if self.manifest:
            findings += [
                error("verify.unlisted", path, f"links to {target}, which the manifest does not have", "build again")
                for _, target in links
                if target not in self.manifest
            ]
        return findings, {target for rel, target in links if self._follow(rel, target)}

    def _follow(self, rel: str, target: str) -> bool:
        return rel == "child" or (rel == "item" and (self.chosen is None or target in self.chosen))

    def _object(self, path: str) -> list[Finding]:
        try:
            return self._compare(path, self.site.digest(path, self.manifest[path].size))
        except Unreadable as trouble:
            return [error("verify.missing", path, trouble.message, "publish again")]

    def _compare(self, path: str, digest: str) -> list[Finding]:
        entry = self.manifest.get(path)
        if entry is None or entry.sha256 == digest:
            return []
        hint = "a proxy may hold an old copy; if not, touch the object or publish to an empty prefix"
        return [error("verify.differs", path, "its bytes are not those of the manifest", hint)]


def _links(content: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Yield relation and path of each link and asset that stays inside the catalogue."""
    assets = ((("asset", asset["href"])) for asset in content.get("assets", {}).values())
    for rel, href in (*((link["rel"], link["href"]) for link in content.get("links", ())), *assets):
        parts = urlsplit(href)
        if parts.scheme or parts.netloc or not parts.path:
            continue
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path)))
        yield rel, f"{target}/index.html".removeprefix("./") if parts.path.endswith("/") else target


def _freshness(site: Site) -> Iterable[Finding]:
    try:
        latest = orjson.loads(site.read(state.LATEST))
        until, published = latest["fresh_until"], latest["published"]
    except (Unreadable, orjson.JSONDecodeError, KeyError, TypeError):
        return [
            error("verify.age", state.LATEST, "does not say when the catalogue was last published", "publish again")
        ]
    if until < stamp(clock.now()):
        text = f"last published {published}, and a newer one was due before {until}"
        return [warning("verify.stale", state.LATEST, text, "does the nightly run still run?")]
    return []


def _probe(site: Site, manifest: dict[str, Published]) -> list[Finding]:
    """Ask for media types, for a range of the largest object that is read so (or of the root), and for CORS."""
    data = [path for path, entry in manifest.items() if is_ranged(entry)]
    data = data or [path for path in manifest if path == ROOT]
    path = max(data, key=lambda path: (manifest[path].size, path), default=None)
    url = site.address(path) if path else None
    if path is None or url is None:
        return []
    parts = probes.ranges(url, path, manifest[path].size)
    return [*probes.types(site.address, manifest), *parts, *probes.cors(url, path)]
