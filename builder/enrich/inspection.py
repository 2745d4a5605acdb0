"""What one look into a NetCDF file yields."""

from __future__ import annotations

from dataclasses import dataclass, field

from builder.dataset import Coverage, Projection
from builder.findings import Finding


@dataclass(frozen=True, slots=True)
class Inspection:
    """The truth about one file, as far as it could be had.

    Attributes:
        href: Public address of the file.
        size: Bytes.
        sha256: Hex digest of the file.
        ncml: Header as NcML; empty where the file cannot be read.
        coverage: Where and when, from the coordinate values.
        projection: Native grid of data on projected coordinates.
        references: Verified kerchunk JSON that points at ``href``; None where there can be none.
        combine_key: Equal for files whose references stack along one dimension.
        media_type: What the file turned out to be, where its name does not tell (a GeoTIFF that is a COG).
        thumbnail: A small PNG of it, base64; None where there is none.
        findings: Why something is missing or doubtful.
    """

    href: str
    size: int
    sha256: str
    ncml: bytes = b""
    coverage: Coverage = field(default_factory=Coverage)
    projection: Projection | None = None
    references: bytes | None = None
    combine_key: str | None = None
    media_type: str | None = None
    thumbnail: str | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether the header could be read at all."""
        return bool(self.ncml)
