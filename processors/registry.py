"""Finds processors by the entry-point group `iaos.processors`; a broken plug-in is reported and skipped."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from processors.errors import Refusal
from processors.protocol import Processor

GROUP = "iaos.processors"


@dataclass(frozen=True, slots=True)
class Found:
    """All processors there are.

    Attributes:
        processors: By name, sorted.
        broken: One line for each plug-in that cannot be used.
    """

    processors: dict[str, Processor]
    broken: tuple[str, ...]


def find_processors() -> Found:
    """Load every processor; of two with one name the first by distribution name wins and the other is reported."""
    processors: dict[str, Processor] = {}
    broken = []
    for entry in _entries():
        loaded = _load(entry)
        if isinstance(loaded, str):
            broken.append(loaded)
        elif loaded.name in processors:
            broken.append(f"{_spell(entry)}: the name `{loaded.name}` is taken by another plug-in")
        else:
            processors[loaded.name] = loaded
    return Found(dict(sorted(processors.items())), tuple(broken))


def find_processor(name: str) -> Processor:
    """Load one processor, and nothing but it.

    Raises:
        Refusal: There is none of this name, or it is broken.
    """
    entries = _entries()
    for entry in entries:
        if entry.name == name:
            loaded = _load(entry)
            if isinstance(loaded, str):
                raise Refusal(loaded, hint="repair or uninstall the plug-in")
            return loaded
    names = sorted({entry.name for entry in entries})
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(names)}"
    raise Refusal(f"no processor is called `{name}`", hint=hint)


def _entries() -> list[EntryPoint]:
    """Return the entry points, ours first, then by the name of their distribution."""

    def rank(entry: EntryPoint) -> tuple[bool, str, str]:
        owner = entry.dist.name if entry.dist else ""
        return owner != "iaos", owner, entry.name

    return sorted(entry_points(group=GROUP), key=rank)


def _load(entry: EntryPoint) -> Processor | str:
    """Return the processor, or why it cannot be used."""
    try:
        loaded = entry.load()
    except Exception as trouble:  # noqa: BLE001  (a plug-in may raise anything; it is reported)
        return f"{_spell(entry)}: cannot be loaded: {type(trouble).__name__}: {trouble}".splitlines()[0]
    if not isinstance(loaded, Processor):
        return f"{_spell(entry)}: is no processor (see processors.protocol.Processor)"
    if loaded.name != entry.name:
        return f"{_spell(entry)}: calls itself `{loaded.name}`"
    return loaded


def _spell(entry: EntryPoint) -> str:
    owner = f" of {entry.dist.name}" if entry.dist else ""
    return f"plug-in `{entry.name}`{owner}"
