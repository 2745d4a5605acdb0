"""What a processor is: inputs and typed parameters in, products with their lineage out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias, runtime_checkable

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from processors.engine import Engine

JSON: TypeAlias = Any
Kind: TypeAlias = Literal["cog", "netcdf", "table", "figure", "report", "json"]

MEDIA_TYPES: Mapping[Kind, str] = {
    "cog": "image/tiff; application=geotiff; profile=cloud-optimized",
    "netcdf": "application/netcdf",
    "table": "text/csv",
    "figure": "image/png",
    "report": "text/html",
    "json": "application/json",
}


class Parameters(BaseModel):
    """Base of every parameter model: unknown names are refused, values never change.

    Give each field a type, a default where there is a sensible one, and a ``description``; they
    become the command line, the JSON Schema, the OGC and WPS descriptions and the page.
    Name the seed of anything random ``seed``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, ser_json_inf_nan="strings")


@dataclass(frozen=True, slots=True)
class Slot:
    """One kind of input a processor takes.

    Attributes:
        name: Key in the mapping given to ``run``; ``name=file`` on the command line.
        title: What it is, in a few words.
        media_types: What it may be, the preferred one first.
        least: Fewest files.
        most: Most files; None for any number.
    """

    name: str
    title: str
    media_types: tuple[str, ...]
    least: int = 1
    most: int | None = 1


@dataclass(frozen=True, slots=True)
class Input:
    """One file a processor reads.

    Attributes:
        href: How lineage names it: its public address, or its file name.
        path: Where it can be read now; never part of a product.
        sha256: Hex digest of its bytes.
    """

    href: str
    path: Path
    sha256: str

    @classmethod
    def of(cls, path: Path, href: str | None = None) -> Self:
        """Take a local file and compute its digest.

        Raises:
            OSError: The file cannot be read.
        """
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(href or path.name, path, digest)


Inputs: TypeAlias = Mapping[str, Sequence[Input]]


@dataclass(frozen=True, slots=True)
class Lineage:
    """All that decides the bytes of a product, and who made it.

    Attributes:
        processor: Name of the processor.
        version: Version of the processor, raised when the same inputs would give other bytes.
        inputs: Slot, address and sha256 of every input, in the order given.
        parameters: Resolved parameters, defaults included, as JSON.
        seed: Seed of the random numbers; None where there are none.
        software: Name and version of the package that holds the processor.
        materials: What comes with the package and decides the bytes too, such as a trained model: name → sha256.
    """

    processor: str
    version: str
    inputs: tuple[tuple[str, str, str], ...]
    parameters: Mapping[str, JSON]
    seed: int | None = None
    software: Mapping[str, str] = field(default_factory=dict)
    materials: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, processor: Processor, inputs: Inputs, parameters: BaseModel) -> Self:
        """Describe a run; a processor calls it with its own arguments.

        A processor that reads trained models or other files of its own package tells their digests by a method
        ``materials`` of the inputs and parameters, which refuses nothing.
        """
        tell = getattr(processor, "materials", None)
        return cls(
            processor.name,
            processor.version,
            tuple((slot, one.href, one.sha256) for slot in sorted(inputs) for one in inputs[slot]),
            parameters.model_dump(mode="json"),
            getattr(parameters, "seed", None),
            _software(processor),
            tell(inputs, parameters) if tell else {},
        )

    @property
    def key(self) -> str:
        """Hex digest that is equal for runs that must give equal bytes; addresses and package versions do not count."""
        files = [(slot, sha256) for slot, _, sha256 in self.inputs]
        decisive = [self.processor, self.version, files, self.parameters, self.seed]
        decisive += [dict(self.materials)] if self.materials else []
        return hashlib.sha256(json.dumps(decisive, sort_keys=True, allow_nan=False).encode()).hexdigest()

    def to_dict(self) -> dict[str, JSON]:
        """Return the lineage as JSON: for sidecar files, tags of a COG and attributes of a NetCDF file."""
        return {
            "processor": self.processor,
            "version": self.version,
            "software": dict(self.software),
            "inputs": [{"slot": slot, "href": href, "sha256": sha256} for slot, href, sha256 in self.inputs],
            "parameters": dict(self.parameters),
            "seed": self.seed,
            **({"materials": dict(self.materials)} if self.materials else {}),
        }


@dataclass(frozen=True, slots=True)
class Product:
    """One file a processor made.

    Attributes:
        name: File name, unique within a run, e.g. ``estimate.tif``.
        kind: What it is; decides the media type.
        path: The finished file, inside the engine's folder.
        title: What it shows, in a few words.
        lineage: Where it comes from.
        roles: Roles of its STAC asset.
        properties: Further fields of its STAC asset, e.g. ``proj:code``, ``raster:bands``, ``unit``.
    """

    name: str
    kind: Kind
    path: Path
    title: str
    lineage: Lineage
    roles: tuple[str, ...] = ("data",)
    properties: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def media_type(self) -> str:
        """Media type of the file; a figure may also be SVG, a table Parquet or GeoJSON."""
        named = {
            ".svg": "image/svg+xml",
            ".parquet": "application/vnd.apache.parquet",
            ".geojson": "application/geo+json",
        }
        return named.get(self.path.suffix, MEDIA_TYPES[self.kind])


@runtime_checkable
class Processor(Protocol):
    """One algorithm, found by the entry-point group ``iaos.processors`` (the value is an instance).

    Attributes:
        name: Lower-case name on the command line, in addresses and documents.
        version: Raised whenever the same inputs and parameters would give other bytes.
        title: What it does, in a few words.
        description: What it does, how, after which publication; CommonMark.
        inputs: What it reads.
        products: What it makes: name (or pattern) to a description.
        parameters: Class of its parameters, a subclass of `Parameters`.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def description(self) -> str: ...  # noqa: D102
    @property
    def inputs(self) -> tuple[Slot, ...]: ...  # noqa: D102
    @property
    def products(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def parameters(self) -> type[Parameters]: ...  # noqa: D102

    def run(self, inputs: Inputs, parameters: Any, engine: Engine) -> Iterator[Product]:
        """Make the products, each complete in ``engine.folder`` when it is yielded.

        The same inputs, parameters and seed give the same bytes on every engine and for every
        size of batch: no clock, no absolute path, no order of a set in a product.

        Args:
            inputs: Files by slot.
            parameters: An instance of the class in ``parameters``.
            engine: A folder for files, and `map` for work in batches.

        Raises:
            Refusal: The inputs or parameters cannot give a truthful product.
        """
        ...


def _software(processor: Processor) -> dict[str, str]:
    package = type(processor).__module__.partition(".")[0]
    package = "iaos" if package == "processors" else package
    try:
        return {package: version(package)}
    except PackageNotFoundError:
        return {}
