"""Products remembered by what decides them: the same run is not made twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from processors.protocol import Lineage, Product

MANIFEST = "products.json"


@dataclass(frozen=True, slots=True)
class ProductCache:
    """A folder with one sub-folder per `Lineage.key`.

    Attributes:
        folder: Where products are kept; made when the first is stored.
    """

    folder: Path

    def find(self, lineage: Lineage) -> tuple[Product, ...] | None:
        """Return the products of an earlier equal run, or None where there is none or a file is damaged.

        The addresses in their lineage are those of the run asked for, of which equal bytes may have others.
        """
        kept = self.folder / lineage.key
        try:
            listed = json.loads((kept / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return None
        products = []
        for entry in listed:
            path = kept / entry["name"]
            if not path.is_file() or _digest(path) != entry.pop("sha256"):
                return None
            entry["roles"] = tuple(entry["roles"])
            products.append(Product(path=path, lineage=lineage, **entry))
        return tuple(products)

    def keep(self, lineage: Lineage, products: Sequence[Product]) -> tuple[Product, ...]:
        """Move the products of a finished run into the cache and return them at their new place.

        Raises:
            OSError: The folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
        listed = []
        for product in products:
            listed.append(
                {
                    "name": product.name,
                    "kind": product.kind,
                    "title": product.title,
                    "roles": product.roles,
                    "properties": dict(product.properties),
                    "sha256": _digest(product.path),
                }
            )
            shutil.move(product.path, staging / product.name)
        (staging / MANIFEST).write_text(json.dumps(listed, indent=1), encoding="utf-8")
        kept = self.folder / lineage.key
        if kept.exists():  # damaged, or made by another process meanwhile
            shutil.rmtree(kept)
        os.replace(staging, kept)  # noqa: PTH105  (a folder over none)
        return tuple(replace(product, path=kept / product.name) for product in products)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
