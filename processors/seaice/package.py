"""Finds and reads the files of a SAFE, in a folder, a zip archive or the renamed layout of cloud archives."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from processors.errors import Refusal

MANIFEST = "manifest.safe"
LARGEST_XML = 64 * 2**20
BLOCK = 2**20
_NAME = re.compile(r"(?P<kind>(?:rfi-|noise-|calibration-)?)s1\w-(?P<mode>\w+)-\w+-(?P<polarisation>\w{2})-.*")
_HINT = "fetch the product again"


@dataclass(frozen=True, slots=True)
class Package:
    """The files of one product.

    Attributes:
        path: Folder or archive.
        prefix: Folder in the archive that holds the manifest, ending with a slash; None for folders.
    """

    path: Path
    prefix: str | None

    def read(self, name: str) -> bytes:
        """Return the bytes of a small file.

        Raises:
            Refusal: It is larger than any XML file of a product, or the archive is damaged (``S1.CHECKSUM``).
        """
        content = bytearray()
        for block in self._blocks(name):
            content += block
            if len(content) > LARGEST_XML:
                raise Refusal(f"is larger than {LARGEST_XML} bytes", name, _HINT, "S1.CHECKSUM")
        return bytes(content)

    def digest(self, name: str) -> tuple[int, str]:
        """Return size and MD5 of a file; see `read` for damaged archives."""
        sums, size = hashlib.md5(usedforsecurity=False), 0
        for block in self._blocks(name):
            sums.update(block)
            size += len(block)
        return size, sums.hexdigest()

    def locate(self, href: str) -> str | None:
        """Return where a file of the manifest is, in cloud archives under a shorter name; None where it is missing.

        Raises:
            Refusal: The address leads out of the product (``S1.MISSING_FILE``).
        """
        place = PurePosixPath(href)
        if place.is_absolute() or ".." in place.parts or "\\" in href or "\0" in href:
            raise Refusal("lies outside the product", href, _HINT, "S1.MISSING_FILE")
        short = _NAME.fullmatch(place.stem)
        names = [place]
        if short:
            names.append(place.with_name("{kind}{mode}-{polarisation}".format(**short.groupdict()) + place.suffix))
        return next((str(name) for name in names if self._has(str(name))), None)

    def raster(self, name: str) -> str:
        """Return the name under which GDAL opens a file."""
        if self.prefix is None:
            return str(self.path / name)
        return f"/vsizip/{{{self.path.resolve()}}}/{self.prefix}{name}"

    def _has(self, name: str) -> bool:
        if self.prefix is None:
            inside = (self.path / name).resolve().is_relative_to(self.path.resolve())
            return inside and (self.path / name).is_file()
        with zipfile.ZipFile(self.path) as archive:
            return self.prefix + name in archive.NameToInfo

    def _blocks(self, name: str) -> Iterator[bytes]:
        if self.prefix is None:
            with (self.path / name).open("rb") as file:
                yield from iter(partial(file.read, BLOCK), b"")
            return
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.prefix + name) as member:
                yield from iter(partial(member.read, BLOCK), b"")
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as trouble:
            raise Refusal(f"cannot be taken out of the archive: {trouble}", name, _HINT, "S1.CHECKSUM") from None


def open_package(path: Path) -> Package:
    """Find the manifest of a product.

    Args:
        path: Folder of a SAFE, its manifest, or a zip archive with one SAFE.

    Raises:
        Refusal: There is no manifest, or more than one (``S1.NOT_A_SAFE``).
    """
    if path.is_file() and path.name == MANIFEST:
        path = path.parent
    if path.is_dir():
        if (path / MANIFEST).is_file():
            return Package(path, None)
        raise _no_safe(path, f"has no {MANIFEST}")
    if not zipfile.is_zipfile(path):
        raise _no_safe(path, "is neither a folder nor a zip archive" if path.exists() else "is not there")
    with zipfile.ZipFile(path) as archive:
        found = [name for name in archive.namelist() if PurePosixPath(name).name == MANIFEST]
    if len(found) != 1:
        raise _no_safe(path, f"holds {len(found)} files {MANIFEST}")
    return Package(path, found[0].removesuffix(MANIFEST))


def _no_safe(path: Path, message: str) -> Refusal:
    return Refusal(message, path.name, "give the folder of a Sentinel-1 product, or its zip archive", "S1.NOT_A_SAFE")
