"""Names a simulated product, and writes the manifest of its files in the layout of real ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lxml import etree

from processors.seaice.markup import Content, add, fill, to_bytes, utc

NAMESPACES = {
    "xfdu": "urn:ccsds:schema:xfdu:1",
    "gml": "http://www.opengis.net/gml",
    "safe": "http://www.esa.int/safe/sentinel-1.0",
    "s1": "http://www.esa.int/safe/sentinel-1.0/sentinel-1",
    "s1sarl1": "http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar/level-1",
}
KINDS = ("Product", "Noise", "Calibration", "Measurement")
_PLACES = {
    "Product": ("annotation/", "xml"),
    "Noise": ("annotation/calibration/noise-", "xml"),
    "Calibration": ("annotation/calibration/calibration-", "xml"),
    "Measurement": ("measurement/", "tiff"),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """What a product is called and when it was taken.

    Attributes:
        platform: Such as ``S1A``.
        polarisations: Co and cross.
        start: Time of the first line.
        stop: Time of the last line.
        orbit: Absolute orbit number.
        datatake: Number of the data take.
        ascending: Direction of flight.
        ipf: Version of the processor it pretends to be made by, such as ``003.52``.
        footprint: Longitude and latitude of the corners.
    """

    platform: str
    polarisations: tuple[str, str]
    start: datetime
    stop: datetime
    orbit: int
    datatake: int
    ascending: bool
    ipf: str
    footprint: tuple[tuple[float, float], ...]

    @property
    def name(self) -> str:
        """Name of the SAFE, without its ending; the last digits are made of the others, as a checksum would be."""
        kind = "1SDH" if self.polarisations[0] == "HH" else "1SDV"
        times = f"{self.start:%Y%m%dT%H%M%S}_{self.stop:%Y%m%dT%H%M%S}"
        stem = f"{self.platform}_EW_GRDM_{kind}_{times}_{self.orbit:06d}_{self.datatake:06X}"
        return f"{stem}_{hashlib.sha256(stem.encode()).hexdigest()[:4].upper()}"

    def path(self, kind: str, polarisation: str) -> str:
        """Return where a file lies in the SAFE; ``kind`` is that of its schema."""
        place, ending = _PLACES[kind]
        times = f"{self.start:%Y%m%dt%H%M%S}-{self.stop:%Y%m%dt%H%M%S}"
        number = self.polarisations.index(polarisation) + 1
        stem = f"{self.platform}-ew-grd-{polarisation}-{times}-{self.orbit:06d}-{self.datatake:06x}-{number:03d}"
        return f"{place}{stem.lower()}.{ending}"


def manifest_xml(folder: Path, identity: Identity) -> bytes:
    """Write the manifest of the files that lie in a folder, with their sizes and MD5."""
    files = [(kind, pol) for pol in identity.polarisations for kind in KINDS]
    root = etree.Element(f"{{{NAMESPACES['xfdu']}}}XFDU", nsmap=NAMESPACES)
    units = add(add(root, "informationPackageMap"), "xfdu:contentUnit")
    metadata = add(root, "metadataSection")
    objects = add(root, "dataObjectSection")
    for kind, polarisation in files:
        _data_object(objects, folder, identity, kind, polarisation)
        unit = add(units, "xfdu:contentUnit", repID=f"s1Level1{kind}Schema")
        add(unit, "dataObjectPointer", dataObjectID=_id(kind, polarisation))
        if kind == "Measurement":
            described = [f"{_id(one, pol)}Annotation" for one, pol in files if pol == polarisation and one != kind]
            unit.set("dmdID", " ".join(described))
        else:
            entry = add(
                metadata, "metadataObject", ID=f"{_id(kind, polarisation)}Annotation", classification="DESCRIPTION"
            )
            add(entry, "dataObjectPointer", dataObjectID=_id(kind, polarisation))
    for name, content in _descriptions(identity):
        wrapped = add(add(metadata, "metadataObject", ID=name, classification="DESCRIPTION"), "metadataWrap")
        fill(add(wrapped, "xmlData"), content)
    for software in root.iter(f"{{{NAMESPACES['safe']}}}software"):
        software.set("name", "Sentinel-1 IPF")
        software.set("version", identity.ipf)
    return to_bytes(root)


def _data_object(objects: etree._Element, folder: Path, identity: Identity, kind: str, polarisation: str) -> None:
    path = identity.path(kind, polarisation)
    entry = add(objects, "dataObject", ID=_id(kind, polarisation), repID=f"s1Level1{kind}Schema")
    stream = add(entry, "byteStream", size=str((folder / path).stat().st_size))
    add(stream, "fileLocation", locatorType="URL", href=f"./{path}")
    with (folder / path).open("rb") as file:
        add(stream, "checksum", checksumName="MD5").text = hashlib.file_digest(file, "md5").hexdigest()


def _descriptions(identity: Identity) -> list[tuple[str, list[tuple[str, Content]]]]:
    corners = " ".join(f"{latitude:.6f},{longitude:.6f}" for longitude, latitude in identity.footprint)
    polarisations = [("s1sarl1:transmitterReceiverPolarisation", one) for one in identity.polarisations]
    general: list[tuple[str, Content]] = [
        ("s1sarl1:missionDataTakeID", str(identity.datatake)),
        *polarisations,
        ("s1sarl1:productClass", "S"),
        ("s1sarl1:productClassDescription", "Simulated scene, not an observation"),
        ("s1sarl1:productType", "GRD"),
    ]
    mode: Content = [("s1sarl1:instrumentMode", [("s1sarl1:mode", "EW")])]
    platform: list[tuple[str, Content]] = [
        ("safe:familyName", "SENTINEL-1"),
        ("safe:number", identity.platform[-1]),
        ("safe:instrument", [("safe:extension", mode)]),
    ]
    direction = "ASCENDING" if identity.ascending else "DESCENDING"
    orbit: list[tuple[str, Content]] = [
        ("safe:orbitNumber", str(identity.orbit)),
        ("safe:relativeOrbitNumber", str((identity.orbit - 73) % 175 + 1)),
        ("safe:extension", [("s1:orbitProperties", [("s1:pass", direction)])]),
    ]
    times: Content = [("safe:startTime", utc(identity.start)), ("safe:stopTime", utc(identity.stop))]
    outline: Content = [("safe:frame", [("safe:footPrint", [("gml:coordinates", corners)])])]
    return [
        ("processing", [("safe:processing", [("safe:facility", [("safe:software", "")])])]),
        ("platform", [("safe:platform", platform)]),
        ("measurementOrbitReference", [("safe:orbitReference", orbit)]),
        ("generalProductInformation", [("s1sarl1:standAloneProductInformation", general)]),
        ("acquisitionPeriod", [("safe:acquisitionPeriod", times)]),
        ("measurementFrameSet", [("safe:frameSet", outline)]),
    ]


def _id(kind: str, polarisation: str) -> str:
    return f"{kind.lower()}{polarisation.lower()}"
