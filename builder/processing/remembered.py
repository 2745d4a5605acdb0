"""What items offered to processors in earlier nights, so that a record that has not changed is not described again."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.gathering.memo import maker
from builder.memory.sealed import opened, sealed
from builder.processing.offers import File, Offer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from builder.definitions.model import CollectionDefinition
    from builder.ledger import Entry
    from builder.memory.state import State

NAME = "offers.ndjson"


class Remembered:
    """The offers of one collection; asked and told in the order of their identifiers.

    Args:
        state: Where they are kept.
        definition: The collection.
        base: Folder of its local files.
    """

    def __init__(self, state: State, definition: CollectionDefinition, base: Path) -> None:
        self.state = state
        self.name = f"{definition.id}/{NAME}"
        self._base = sha256("\0".join([maker(), definition.model_dump_json(), str(base)]).encode()).digest()
        self._lines = state.lines(self.name)
        self._next = next(self._lines, None)
        self._same = True
        self._part = state.overlay / f"{definition.id}.offers"
        self._after = self._part.open("wb")

    def __enter__(self) -> Self:
        """Remember until the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, what: object, trace: TracebackType | None) -> None:
        """Hand what is remembered to the state, where nothing went wrong and anything is new."""
        self._after.close()
        if kind is None and not (self._same and self._next is None):
            self.state.adopt(self.name, self._part)
        else:
            self._part.unlink()

    def recall(self, entry: Entry, taken: set[str]) -> Offer | None:
        """Return what a record offered when it and its collection were the same, unless its id is taken by now."""
        while self._next is not None:
            identifier = _identifier_of(self._next)
            if identifier > entry.identifier:
                return None
            if identifier == entry.identifier:
                said = opened(self._key(entry), self._next.removesuffix(b"\n"))
                return None if said is None or said["id"] in taken else _read(said)
            self._next, self._same = next(self._lines, None), False
        return None

    def keep(self, entry: Entry, offer: Offer) -> None:
        """Remember what a record offers, where it lasts."""
        if not offer.lasting:
            return
        said = orjson.dumps(offer, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
        line = sealed(self._key(entry), said) + b"\n"
        if line == self._next:
            self._next = next(self._lines, None)
        else:
            self._same = False
        self._after.write(line)

    def _key(self, entry: Entry) -> str:
        return sha256(self._base + orjson.dumps(entry)).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be remembered")


def _identifier_of(line: bytes) -> str:
    """Return of which record a line is; nothing, which comes before all, where it is damaged."""
    try:
        return str(orjson.loads(line)["said"]["identifier"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""


def _read(said: dict[str, Any]) -> Offer:
    start, end = (said[name] and datetime.fromisoformat(said[name]) for name in ("start", "end"))
    return Offer(**{**said, "start": start, "end": end, "files": tuple(map(_file, said["files"]))})


def _file(said: dict[str, Any]) -> File:
    return File(**{**said, "roles": tuple(said["roles"]), "local": said["local"] and Path(said["local"])})
