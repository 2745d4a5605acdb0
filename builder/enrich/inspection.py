"""What one look into a NetCDF file yields."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from builder.datafiles.seen import Seen
from builder.dataset import Coverage, Projection
from builder.findings import Finding


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of a file in a readable form.

    Attributes:
        kept: What the state calls it.
        name: Its path below the collection's folder.
        href: Its public address; its path where the catalogue's own address is unknown.
        size: Bytes.
        sha256: Hex digest.
    """

    kept: str
    name: str
    href: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """The truth about one file, as far as it could be had.

    Attributes:
        href: Public address of the file.
        size: Bytes.
        sha256: Hex digest of the file; empty where only parts of it were fetched.
        etag: What the server called this version of the file.
        last_modified: When it was changed, in the server's words.
        mtime_ns: When a local file was changed; never published.
        ncml: Header as NcML; empty where the file cannot be read.
        coverage: Where and when, from the coordinate values.
        projection: Native grid of data on projected coordinates.
        copy: A readable copy, into which the references then lead; None where none was made.
        references: Verified kerchunk JSON that points at ``href``, or at the copy; None where there can be none.
        parquet: The same as a folder of Parquet files, by name, in base 64; empty where there are few.
        combine_key: Equal for files whose references stack along one dimension.
        read_cost: Requests and bytes of typical reads through the references.
        web: Whether pages of other origins may read parts of it; asked anew each night.
        media_type: What the file turned out to be, where its name does not tell (a GeoTIFF that is a COG).
        bands: Bands of a GeoTIFF as STAC's common metadata has them, with statistics.
        packing: Scale and offset of each of them; empty where none has any.
        thumbnail: A small PNG of it, base64; None where there is none.
        findings: Why something is missing or doubtful.
        seen: By what one tells later that the file is still the same; only where this is kept.
    """

    href: str
    size: int
    sha256: str = ""
    etag: str | None = None
    last_modified: str | None = None
    mtime_ns: int | None = None
    ncml: bytes = b""
    coverage: Coverage = field(default_factory=Coverage)
    projection: Projection | None = None
    copy: Copied | None = None
    references: bytes | None = None
    parquet: dict[str, str] = field(default_factory=dict)
    combine_key: str | None = None
    read_cost: dict[str, dict[str, int]] = field(default_factory=dict)
    web: bool = False
    media_type: str | None = None
    bands: tuple[dict[str, Any], ...] = ()
    packing: tuple[dict[str, float], ...] = ()
    thumbnail: str | None = None
    findings: tuple[Finding, ...] = ()
    seen: Seen | None = None

    def source(self) -> dict[str, Any]:
        """Return by what a reader can tell whether the file is still the one looked into, and what reading it costs."""
        if self.copy is not None:
            facts: dict[str, Any] = {"size": self.copy.size, "sha256": self.copy.sha256}
        else:
            facts = {"size": self.size, "etag": self.etag, "last_modified": self.last_modified, "sha256": self.sha256}
        said: dict[str, Any] = {f"iaos:source_{name}": value for name, value in facts.items() if value}
        cost = {"iaos:read_cost": self.read_cost} if self.read_cost else {}
        return said | cost | ({"iaos:web_readable": True} if self.web else {})

    def past(self) -> Inspection:
        """Return what still holds where the file may be another one by now."""
        return replace(self, copy=None, references=None, parquet={}, combine_key=None, findings=())

    @property
    def readable(self) -> bool:
        """Whether the header could be read at all."""
        return bool(self.ncml)
