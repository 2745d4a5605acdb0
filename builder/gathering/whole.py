"""What earlier builds made of whole collections, so that one of which nothing changed is not gone through again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from builder.findings import finding_of
from builder.memory.sealed import opened, sealed
from builder.stac.layout import Place

if TYPE_CHECKING:
    from builder.findings import Finding
    from builder.gathering.memo import Memo
    from builder.memory.state import State
    from builder.stac.context import Related
    from builder.tree import Tree


@dataclass(frozen=True, slots=True)
class Known:
    """What the pages above a collection need of it.

    Attributes:
        items: How many items and record collections it has.
        findings: What was doubtful or left out.
        geometries: Footprints for overview maps.
    """

    items: int
    findings: tuple[Finding, ...]
    geometries: tuple[Mapping[str, Any], ...]


class Whole:
    """The memory of one collection as a whole.

    It serves only where no data file had a say: those may change without the ledger.

    Args:
        state: Where it is kept.
        tree: Where the files go.
        place: The collection's paths.
        memo: The memory of its records, which knows what else they are made from.
        related: What its items were made from and what was made from them.
    """

    def __init__(
        self, state: State, tree: Tree, place: Place, memo: Memo, related: Mapping[str, Sequence[Related]]
    ) -> None:
        self.state, self.tree = state, tree
        self.name = f"{place.collection}/whole.json"
        self.files = (place.folder, place.iso_record)  # its ISO record is made with all others
        digest = sha256(memo.base + orjson.dumps(related, option=orjson.OPT_SORT_KEYS))
        for name in ("ledger.ndjson", "changes.ndjson"):
            digest.update(state.digest(f"{place.collection}/{name}"))
        self._key = digest.hexdigest()

    def take(self) -> Known | None:
        """Take over all files of the collection, where they were made from the same and still lie there."""
        said = opened(self._key, self.state.read(self.name))
        if said is None or not self.tree.take_folder(*self.files, said["files"]):
            return None
        return Known(said["items"], tuple(map(finding_of, said["findings"])), tuple(said["geometries"]))

    def keep(self, known: Known) -> None:
        """Remember the collection as it stands in the tree."""
        files = self.tree.digest(*self.files)
        about = {"files": files, "items": known.items, "findings": known.findings, "geometries": known.geometries}
        self.state.write(self.name, sealed(self._key, orjson.dumps(about)))

    def forget(self) -> None:
        """Remember that the collection has to be gone through."""
        self.state.write(self.name, b"")
