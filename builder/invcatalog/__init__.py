"""THREDDS inventory catalogues (InvCatalog): read, resolve, and cut out single datasets; no input or output."""

from __future__ import annotations

from builder.invcatalog.model import INVCATALOG, XLINK, Access, Catalog, CatalogRef, InvDataset, Service
from builder.invcatalog.reader import NotACatalog, read_catalog
from builder.invcatalog.single import single

__all__ = [
    "INVCATALOG", "XLINK", "Access", "Catalog", "CatalogRef", "InvDataset", "NotACatalog", "Service", "read_catalog",
    "single",
]  # fmt: skip
