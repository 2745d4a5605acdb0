"""Addresses that PANGAEA serves for every dataset, whatever format it was described in."""

from __future__ import annotations

from builder.crosswalks.dois import doi_of
from builder.dataset import Draft, Link, Resource

_PREFIX = "10.1594/pangaea."
_FORMATS = (
    ("metadata-panmd", "metadata_panmd", "application/xml", "PANGAEA metadata"),
    ("metadata-iso", "metadata_iso19139", "application/xml", "ISO 19139 metadata"),
    ("metadata-dif", "metadata_dif", "application/xml", "DIF metadata"),
    ("metadata-datacite", "metadata_datacite4", "application/xml", "DataCite metadata"),
    ("metadata-jsonld", "metadata_jsonld", "application/ld+json", "schema.org metadata"),
)


def is_pangaea(text: str | None) -> bool:
    """Tell whether a DOI, in a text, is one of PANGAEA's."""
    return (doi_of(text) or "").lower().startswith(_PREFIX)


def landing_page(doi: str) -> str:
    """Return PANGAEA's own address of a dataset, which also works before the DOI is registered."""
    return f"https://doi.pangaea.de/{doi}"


def data_resource(doi: str, *, zipped: bool, restricted: bool) -> Resource:
    """Return the data of a dataset: one table, or all tables of a series in one archive."""
    return Resource(
        key="data",
        href=f"{landing_page(doi)}?format={'zip' if zipped else 'textfile'}",
        media_type="application/zip" if zipped else "text/tab-separated-values",
        title="All datasets of the series, zipped" if zipped else "Data, tab-separated",
        restricted=restricted,
    )


def metadata_resources(doi: str) -> tuple[Resource, ...]:
    """Return the metadata documents PANGAEA serves for a dataset."""
    page = landing_page(doi)
    return tuple(
        Resource(key=key, href=f"{page}?format={name}", media_type=kind, roles=("metadata",), title=title)
        for key, name, kind, title in _FORMATS
    )


def links(doi: str, *, registered: bool = True) -> tuple[Link, ...]:
    """Return the links of a dataset; doi.org resolves a DOI only once it is registered."""
    canonical = f"https://doi.org/{doi}" if registered else landing_page(doi)
    return (
        Link("canonical", canonical, "text/html", "Dataset at PANGAEA"),
        Link("via", landing_page(doi), "text/html", "Landing page at PANGAEA"),
    )


def put_addresses(draft: Draft, doi: str | None, place: str, *, zipped: bool) -> None:
    """Set name, data, metadata and links of a dataset from its DOI; nothing where it is not PANGAEA's.

    Only datasets open to all have a licence, so without one the data counts as restricted.

    Args:
        draft: The description; its licence is already set.
        doi: The registered DOI.
        place: Where the DOI stands in the record.
        zipped: Whether it is a series, whose data comes as an archive.
    """
    if doi and is_pangaea(doi):
        data = data_resource(doi, zipped=zipped, restricted=not draft.has("license"))
        draft.put("resources", (data, *metadata_resources(doi)), place)
        draft.put("links", links(doi), place)


def name_of(doi: str | None) -> str | None:
    """Return the short name of one of PANGAEA's datasets, ``pangaea-902845``; None for any other DOI."""
    return f"pangaea-{(doi_of(doi) or '').rpartition('.')[2]}" if is_pangaea(doi) else None
