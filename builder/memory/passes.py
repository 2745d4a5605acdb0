"""How far the harvest of a collection has come: what the next pass asks for, and where an interrupted one goes on."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from builder import clock
from builder.sources.answers import Answers
from builder.sources.protocol import Ask

if TYPE_CHECKING:
    from builder.definitions.model import CollectionDefinition
    from builder.memory.state import State

MEMORY = "harvest.json"
UNDER_WAY = "pass.json"
GO_ON_WITHIN = timedelta(hours=12)
"""How old an interrupted pass may be to be gone on with; the partner's list has moved on after that."""
BY_NAME = frozenset({"ckan", "oai-pmh"})
"""Types of sources that can be asked for single records."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the last passes over a collection have left to know.

    Attributes:
        source: Digest of the source block they read; another source begins anew.
        since: Bookmark from which changes can be asked for.
        full: Start of the last complete pass that asked for everything anew, ISO 8601.
        complete: The last pass saw all it asked for.
        refused: Records that could not be taken, by identifier, with the reason.
    """

    source: str = ""
    since: str | None = None
    full: str | None = None
    complete: bool = True
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over a source, interruptions included.

    Attributes:
        number: Its name; nobody else's.
        began: When it began, ISO 8601.
        source: Digest of the source block.
        wish: ``full`` or ``failed``, where that was asked for.
        since: Ask for changes from this bookmark on; None for everything.
        again: Records that were refused before, asked for by name.
        list: Ask for the list too.
        anew: Ask for everything as if nothing were known, even where the partner could say "still the same".
    """

    number: str
    began: str
    source: str = ""
    wish: str = ""
    since: str | None = None
    again: tuple[str, ...] = ()
    list: bool = True
    anew: bool = True

    @property
    def whole(self) -> bool:
        """Whether it asks for everything, so that absence may mean withdrawal."""
        return self.list and self.since is None

    @property
    def ask(self) -> Ask:
        """What it asks of the source's list."""
        return Ask(self.since, datetime.fromisoformat(self.began))


def fresh() -> Pass:
    """Return a pass that asks for everything and knows nothing."""
    return Pass(secrets.token_hex(8), clock.now().isoformat())


def begin(definition: CollectionDefinition, state: State, wish: str = "") -> Pass:
    """Go on with the pass that was interrupted, or begin one.

    Args:
        definition: The collection.
        state: Where both are remembered.
        wish: ``full`` to ask for everything, ``failed`` only for what was refused last time.
    """
    left = _left(definition.id, state)
    digest = digest_of(definition)
    age = clock.now() - datetime.fromisoformat(left.began) if left else GO_ON_WITHIN
    if left and (left.source, left.wish) == (digest, wish) and timedelta() <= age < GO_ON_WITHIN:
        return left
    made = _planned(definition, memory_of(definition.id, state), digest, wish)
    state.keep(f"{definition.id}/{UNDER_WAY}", orjson.dumps(asdict(made)))
    return made


def _planned(definition: CollectionDefinition, memory: Memory, digest: str, wish: str) -> Pass:
    if wish == "full" or memory.source != digest or _due(memory.full, definition.source.full_every_days):
        return Pass(secrets.token_hex(8), clock.now().isoformat(), digest, wish)
    by_name = definition.source.type in BY_NAME
    return Pass(
        secrets.token_hex(8),
        clock.now().isoformat(),
        digest,
        wish,
        since=memory.since,
        again=tuple(sorted(memory.refused)) if by_name else (),
        list=not (wish == "failed" and by_name and memory.complete and memory.refused),
        anew=False,
    )


def _due(full: str | None, every_days: int) -> bool:
    """Tell whether everything is to be asked for again; a date in the future comes from a wrong clock."""
    if full is None:
        return True
    days = (clock.now().date() - datetime.fromisoformat(full).date()).days
    return not 0 <= days < every_days


def answers_of(collection: str, state: State, this: Pass) -> Answers:
    """Return the partner's answers that are kept for a pass."""
    return Answers(state, collection, this.number, this.anew)


def conclude(collection: str, state: State) -> None:
    """Forget the pass that is under way, and all answers but those that save the next one a transfer."""
    left = _left(collection, state)
    if left is not None:
        state.drop(f"{collection}/{UNDER_WAY}")
        answers_of(collection, state, left).conclude()


def memory_of(collection: str, state: State) -> Memory:
    """Return what is remembered; nothing where it is damaged, so that the next pass asks for everything."""
    try:
        return Memory(**orjson.loads(state.read(f"{collection}/{MEMORY}") or b"{}"))
    except (orjson.JSONDecodeError, TypeError):
        return Memory()


def remember(collection: str, state: State, memory: Memory) -> None:
    """Keep what a pass has left to know."""
    state.write(f"{collection}/{MEMORY}", orjson.dumps(asdict(memory), option=orjson.OPT_SORT_KEYS))


def digest_of(definition: CollectionDefinition) -> str:
    """Name the source that a definition reads."""
    return sha256(definition.source.model_dump_json().encode()).hexdigest()


def _left(collection: str, state: State) -> Pass | None:
    try:
        fields = orjson.loads(state.read(f"{collection}/{UNDER_WAY}") or b"null")
        return None if fields is None else Pass(**{**fields, "again": tuple(fields["again"])})
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return None
