"""Reads manifest.safe: what a product is, and which of its files is what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from processors.seaice.markup import Node

CODE = "S1.NOT_A_SAFE"
_SCHEMAS = {
    "s1Level1ProductSchema": "annotation",
    "s1Level1CalibrationSchema": "calibration",
    "s1Level1NoiseSchema": "noise",
    "s1Level1RfiSchema": "rfi",
    "s1Level1MeasurementSchema": "measurement",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a product.

    Attributes:
        id: Name within the manifest.
        kind: ``annotation``, ``calibration``, ``noise``, ``rfi`` or ``measurement``.
        href: Where it is, relative to the manifest.
        size: Bytes.
        md5: Hex digest.
    """

    id: str
    kind: str
    href: str
    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says.

    Attributes:
        platform: Such as ``S1A``.
        mode: Such as ``EW``.
        product_type: Such as ``GRD``.
        product_class: ``S`` for standard products.
        polarisations: In the order given.
        ipf: Version of the instrument processing facility, such as 3.52.
        orbit_pass: ``ascending`` or ``descending``.
        orbit: Absolute orbit number.
        relative_orbit: Relative orbit number.
        datatake: Number of the data take.
        start: Start of acquisition.
        stop: End of acquisition.
        footprint: Corners, longitude and latitude in degrees.
        entries: Files this package reads.
        belongs: Id of each measurement → ids of the files that describe it.
    """

    platform: str
    mode: str
    product_type: str
    product_class: str
    polarisations: tuple[str, ...]
    ipf: float
    orbit_pass: str
    orbit: int
    relative_orbit: int
    datatake: int
    start: datetime
    stop: datetime
    footprint: tuple[tuple[float, float], ...]
    entries: tuple[Entry, ...]
    belongs: tuple[tuple[str, frozenset[str]], ...]


def read_manifest(root: Node) -> Manifest:
    """Read a manifest.

    Raises:
        Refusal: Something is missing (``S1.NOT_A_SAFE``).
    """
    general = root.one("//standAloneProductInformation")
    reference = root.one("//orbitReference")
    return Manifest(
        platform="S1" + root.text("//platform/number"),
        mode=root.text("//instrumentMode/mode"),
        product_type=general.text("productType"),
        product_class=general.text("productClass"),
        polarisations=tuple(node.text(".") for node in general.each("transmitterReceiverPolarisation")),
        ipf=_version(root),
        orbit_pass=reference.text("//pass").lower(),
        orbit=reference.whole("orbitNumber"),
        relative_orbit=reference.whole("relativeOrbitNumber"),
        datatake=general.whole("missionDataTakeID"),
        start=root.time("//acquisitionPeriod/startTime"),
        stop=root.time("//acquisitionPeriod/stopTime"),
        footprint=_footprint(root),
        entries=tuple(_entries(root)),
        belongs=tuple(_measurements(root)),
    )


def _version(root: Node) -> float:
    for software in root.each("//software"):
        if software.attribute("name") == "Sentinel-1 IPF":
            return software.parsed(software.attribute("version"))
    raise root.refusal("does not say which version of the Sentinel-1 IPF made it")


def _footprint(root: Node) -> tuple[tuple[float, float], ...]:
    """Read the corners, which the manifest gives as latitude,longitude."""
    node = root.one("//footPrint/coordinates")
    pairs = [word.split(",") for word in node.text(".").split()]
    if any(len(pair) != 2 for pair in pairs):
        raise node.refusal("its footprint is not made of latitude,longitude")
    return tuple((node.parsed(longitude), node.parsed(latitude)) for latitude, longitude in pairs)


def _entries(root: Node) -> Iterator[Entry]:
    for node in root.each("//dataObject"):
        kind = _SCHEMAS.get(node.attribute("repID"))
        if kind:
            stream = node.one("byteStream")
            href = stream.one("fileLocation").attribute("href").removeprefix("./")
            size = int(stream.parsed(stream.attribute("size")))
            yield Entry(node.attribute("ID"), kind, href, size, stream.text("checksum").lower())


def _measurements(root: Node) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each measurement with what describes it: the manifest leads there through metadata objects."""
    described = {
        node.attribute("ID"): pointer.attribute("dataObjectID")
        for node in root.each("//metadataObject")
        for pointer in node.each("dataObjectPointer")
    }
    for unit in root.each("//contentUnit"):
        if unit.attribute("repID") == "s1Level1MeasurementSchema":
            ids = frozenset(described.get(name, "") for name in unit.attribute("dmdID").split())
            yield unit.one("dataObjectPointer").attribute("dataObjectID"), ids
