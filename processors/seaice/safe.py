"""Opens a Sentinel-1 extra-wide-swath product: checks it, and gives its numbers by strips of lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.seaice import annotation as described
from processors.seaice import manifest as manifests
from processors.seaice import noise as noises
from processors.seaice.annotation import Annotation, read_annotation
from processors.seaice.calibration import Calibration, read_calibration
from processors.seaice.interference import CODE as INTERFERENCE
from processors.seaice.interference import Span, read_interference
from processors.seaice.manifest import Entry, Manifest, read_manifest
from processors.seaice.markup import Node, parse
from processors.seaice.noise import Noise, read_noise
from processors.seaice.package import MANIFEST, Package, open_package
from processors.seaice.tiff import check_size, read_lines

PAIRS = (("HH", "HV"), ("VV", "VH"))
"""Polarisations that are taken: co and cross."""
PLATFORMS = frozenset({"S1A", "S1B", "S1C", "S1D"})
MEDIUM = 40.0
"""Pixel spacing of medium resolution, m."""
QUALIFIED, DOUBTFUL = 2.43, 2.53
"""IPF versions before the first have noise that was never qualified; up to the second it is known to be poor."""


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """One polarisation.

    Attributes:
        annotation: Its annotation.
        calibration: Its calibration vectors.
        noise: Its thermal noise vectors.
        raster: Name under which GDAL opens its numbers.
        where: Name of that file in the product, for messages.
        interference: Where radio interference was found.
    """

    annotation: Annotation
    calibration: Calibration
    noise: Noise
    raster: str
    where: str
    interference: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One product, opened; it can be sent to other processes.

    Attributes:
        name: As the product is named, without the four hex digits at its end.
        manifest: What the manifest says: platform, IPF version, orbit, times, footprint.
        channels: Polarisation → what is known of it; the co-polarised one first.
        flags: What a reader should know, such as ``NOISE_UNQUALIFIED``.
        files: Files that were used and their MD5.
    """

    name: str
    manifest: Manifest
    channels: Mapping[str, Channel]
    flags: tuple[str, ...]
    files: tuple[tuple[str, str], ...]

    @property
    def polarisations(self) -> tuple[str, str]:
        """The co- and the cross-polarised channel, such as HH and HV."""
        co, cross = self.channels
        return co, cross

    @property
    def co(self) -> str:
        """The co-polarised channel: HH or VV."""
        return self.polarisations[0]

    @property
    def cross(self) -> str:
        """The cross-polarised channel: HV or VH."""
        return self.polarisations[1]

    @property
    def annotation(self) -> Annotation:
        """Annotation of the co-polarised channel: geometry is the same in both."""
        return self.channels[self.co].annotation

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and samples."""
        return self.annotation.shape

    @property
    def platform(self) -> str:
        """Such as ``S1A``."""
        return self.manifest.platform

    @property
    def ipf(self) -> float:
        """Version of the processor that made the product."""
        return self.manifest.ipf

    @property
    def start(self) -> datetime:
        """Time of the first line."""
        return self.annotation.first_line

    def read_dn(self, polarisation: str, rows: slice) -> npt.NDArray[np.uint16]:
        """Return digital numbers of some lines, shape (lines, samples); 0 is no data.

        Raises:
            Refusal: The file ends before, or cannot be decoded (``S1.TIFF_TRUNCATED``).
        """
        first, last, _ = rows.indices(self.shape[0])
        channel = self.channels[polarisation]
        return read_lines(channel.raster, channel.where, first, last)


def open_safe(path: Path) -> Scene:
    """Open a product and check all of it that is used.

    Args:
        path: Folder, zip archive or manifest; cloud archives may have renamed the files.

    Raises:
        Refusal: It is none (``S1.NOT_A_SAFE``), not EW GRDM dual polarisation (``S1.UNSUPPORTED_PRODUCT``); a file
            is missing (``S1.MISSING_FILE``), changed (``S1.CHECKSUM``), empty (``S1.TIFF_EMPTY``), cut
            (``S1.TIFF_TRUNCATED``) or of another size than annotated (``S1.SIZE_MISMATCH``); or an XML file
            cannot be used (``S1.ANNOTATION``, ``S1.NOISE_SCHEMA``).
    """
    package = open_package(path)
    manifest = read_manifest(parse(package.read(MANIFEST), MANIFEST, manifests.CODE))
    co, cross = _pair(manifest)
    used = _Used(package)
    found = {}
    for measurement, ids in manifest.belongs:
        entries = {entry.kind: entry for entry in manifest.entries if entry.id in ids or entry.id == measurement}
        channel = _channel(used, entries)
        found[channel.annotation.polarisation] = channel
    if not {co, cross} <= set(found):
        missing = " and ".join(sorted({co, cross} - set(found)))
        raise Refusal(f"its manifest leads to no {missing}", MANIFEST, "fetch the product again", "S1.MISSING_FILE")
    channels = {co: found[co], cross: found[cross]}
    _same_size(channels)
    flags = [*used.flags, *_noise_flags(manifest, channels)]
    return Scene(_name(manifest), manifest, channels, tuple(flags), tuple(sorted(used.files.items())))


def _pair(manifest: Manifest) -> tuple[str, str]:
    """Return the polarisations, where the product is of the one kind this package reads."""
    kind = f"{manifest.platform} {manifest.mode} {manifest.product_type} {'+'.join(manifest.polarisations)}"
    pair = next((pair for pair in PAIRS if set(pair) == set(manifest.polarisations)), None)
    known = (manifest.mode, manifest.product_type, manifest.product_class) == ("EW", "GRD", "S")
    if pair is None or not known or manifest.platform not in PLATFORMS:
        raise _unsupported(kind)
    return pair


def _unsupported(kind: str) -> Refusal:
    hint = "take an EW GRDM product in HH+HV or VV+VH (EW_GRDM_1SDH, EW_GRDM_1SDV)"
    return Refusal(f"is {kind}, which this processor does not read", MANIFEST, hint, "S1.UNSUPPORTED_PRODUCT")


class _Used:
    """Reads files of a package, checks them against the manifest and remembers them."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.files: dict[str, str] = {}
        self.flags: list[str] = []

    def document(self, entries: Mapping[str, Entry], kind: str, code: str) -> Node:
        """Return a checked XML file."""
        name = self._checked(entries, kind)
        return parse(self.package.read(name), name, code)

    def optional(self, entries: Mapping[str, Entry], kind: str, code: str) -> Node | None:
        """Return a checked XML file that a product may lack: older ones do, and it is flagged where it was lost."""
        if kind not in entries:
            return None
        if self.package.locate(entries[kind].href) is None:
            self.flags += [] if "INTERFERENCE_UNKNOWN" in self.flags else ["INTERFERENCE_UNKNOWN"]
            return None
        return self.document(entries, kind, code)

    def raster(self, entries: Mapping[str, Entry]) -> str:
        """Return the name of a checked TIFF; cloud archives write it anew, which is flagged."""
        return self._checked(entries, "measurement")

    def _checked(self, entries: Mapping[str, Entry], kind: str) -> str:
        if kind not in entries:
            raise Refusal(f"names no {kind} file", MANIFEST, "fetch the product again", "S1.MISSING_FILE")
        entry = entries[kind]
        name = self.package.locate(entry.href)
        if name is None:
            raise Refusal("is missing", entry.href, "fetch the product again", "S1.MISSING_FILE")
        size, md5 = self.package.digest(name)
        self.files[name] = md5
        if md5 == entry.md5:
            return name
        rewritten = kind == "measurement" and name != entry.href
        if kind == "measurement":
            check_size(self.package.raster(name), name, size, None if rewritten else entry.size)
        if not rewritten:
            hint = "fetch the product again"
            raise Refusal(f"has the MD5 {md5}, not {entry.md5} as in the manifest", name, hint, "S1.CHECKSUM")
        if "MEASUREMENT_REWRITTEN" not in self.flags:
            self.flags.append("MEASUREMENT_REWRITTEN")
        return name


def _channel(used: _Used, entries: Mapping[str, Entry]) -> Channel:
    annotation = read_annotation(used.document(entries, "annotation", described.CODE))
    if (annotation.mode, annotation.product_type) != ("EW", "GRD") or abs(annotation.spacing[1] - MEDIUM) > 0.5:
        spacing = f"{annotation.spacing[1]:g} m"
        raise _unsupported(f"{annotation.mode} {annotation.product_type} with pixels of {spacing}")
    calibration = read_calibration(used.document(entries, "calibration", described.CODE))
    noise = read_noise(used.document(entries, "noise", noises.CODE), annotation.blocks)
    name = used.raster(entries)
    raster = used.package.raster(name)
    check_size(raster, name, shape=annotation.shape)
    told = used.optional(entries, "rfi", INTERFERENCE)
    spans = read_interference(told, annotation.first_line) if told else ()
    return Channel(annotation, calibration, noise, raster, name, spans)


def _same_size(channels: Mapping[str, Channel]) -> None:
    (_, co), (_, cross) = channels.items()
    if co.annotation.shape != cross.annotation.shape:
        shapes = f"{co.annotation.shape} and {cross.annotation.shape}"
        raise Refusal(f"polarisations differ in size: {shapes}", cross.where, "", "S1.SIZE_MISMATCH")


def _noise_flags(manifest: Manifest, channels: Mapping[str, Channel]) -> list[str]:
    flags = []
    if any(channel.annotation.noise_removed for channel in channels.values()):
        flags.append("NOISE_ALREADY_REMOVED")
    if manifest.ipf < QUALIFIED:
        flags.append("NOISE_UNQUALIFIED")
    elif manifest.ipf <= DOUBTFUL:
        flags.append("NOISE_DOUBTFUL")
    return flags


def _name(manifest: Manifest) -> str:
    polarisations = "1SDH" if "HH" in manifest.polarisations else "1SDV"
    times = f"{manifest.start:%Y%m%dT%H%M%S}_{manifest.stop:%Y%m%dT%H%M%S}"
    return f"{manifest.platform}_EW_GRDM_{polarisations}_{times}_{manifest.orbit:06d}_{manifest.datatake:06X}"
