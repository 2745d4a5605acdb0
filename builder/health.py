"""How each source has fared over the nights: its last success, and how often it has failed since."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import orjson

from builder import clock
from builder.state import State

NAME = "health.json"


@dataclass(frozen=True, slots=True)
class Health:
    """What is remembered of a collection's source in ``<collection>/health.json`` of the state.

    Attributes:
        last_success: When a pass over it was last taken over, ISO 8601.
        last_attempt: When it was last asked.
        failures: How many passes have failed since, one after the other.
        reason: Why the last one failed, in one line; empty after a success.
    """

    last_success: str | None = None
    last_attempt: str | None = None
    failures: int = 0
    reason: str = ""


def health_of(collection: str, state: State) -> Health:
    """Return what is remembered of a source; nothing where it was never asked."""
    try:
        return Health(**orjson.loads(state.read(f"{collection}/{NAME}") or b"{}"))
    except (orjson.JSONDecodeError, TypeError):
        return Health()


def note_outcome(collection: str, state: State, reason: str | None) -> None:
    """Remember how a pass ended.

    Args:
        collection: Identifier of the collection.
        state: Where it is remembered.
        reason: Why it failed; None if it did not.
    """
    now = clock.now().isoformat(timespec="seconds")
    before = health_of(collection, state)
    after = Health(now, now) if reason is None else Health(before.last_success, now, before.failures + 1, reason)
    state.write(f"{collection}/{NAME}", orjson.dumps(asdict(after), option=orjson.OPT_SORT_KEYS))
