"""Mistakes in a definition that names a processor: what only the processor and the other definitions can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from processors.errors import Refusal
from processors.registry import find_processor
from processors.run import problem_of

if TYPE_CHECKING:
    from builder.definitions.mistakes import Loc
    from builder.definitions.model import CollectionDefinition
    from processors.protocol import Processor


def process_mistakes(
    definition: CollectionDefinition, known: Mapping[str, CollectionDefinition]
) -> Iterator[tuple[Loc, str, str]]:
    """Yield place, message and hint of each mistake; nothing for a definition that names no processor.

    Args:
        definition: The definition.
        known: All definitions by their id.
    """
    source: Any = definition.source
    if source.type != "process":
        return
    try:
        processor = find_processor(source.processor)
    except Refusal as refusal:
        yield ("source", "processor"), refusal.message, refusal.hint
    else:
        yield from _parameters(source, processor)
        yield from _slots(source, processor)
    for name, asked in source.inputs.items():
        loc = ("source", "inputs", name, "collection")
        if asked.collection and asked.collection not in known:
            yield loc, f"there is no collection `{asked.collection}`", f"there are: {', '.join(sorted(known))}"
        elif asked.collection and definition.enabled and not known[asked.collection].enabled:
            yield loc, f"the collection `{asked.collection}` is off", "enable it, or set `enabled: false` here too"
        elif asked.collection and _leads_to(asked.collection, definition.id, known):
            yield loc, f"`{asked.collection}` is made from this collection", "take the loop out"


def _parameters(source: Any, processor: Processor) -> Iterator[tuple[Loc, str, str]]:
    try:
        processor.parameters.model_validate(source.parameters)
    except ValidationError as trouble:
        for error in trouble.errors():
            loc = ("source", "parameters", *error["loc"])
            hint = f"see `iaos process describe {processor.name}`"
            yield loc, problem_of(dict(error), processor.parameters), hint


def _slots(source: Any, processor: Processor) -> Iterator[tuple[Loc, str, str]]:
    names = [slot.name for slot in processor.inputs]
    for name in source.inputs:
        if name not in names:
            loc = ("source", "inputs", name)
            yield loc, f"`{processor.name}` takes no input `{name}`", f"it takes: {', '.join(names)}"
    for slot in processor.inputs:
        if slot.least and slot.name not in source.inputs:
            yield ("source", "inputs", slot.name), f"`{processor.name}` needs the input `{slot.name}`", slot.title


def _leads_to(start: str, goal: str, known: Mapping[str, CollectionDefinition]) -> bool:
    """Tell whether a collection is, or is made from, another one."""
    waiting, met = [start], set[str]()
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        source: Any = known[name].source if name in known and name not in met else None
        met.add(name)
        if source is not None and source.type == "process":
            waiting += [one.collection for one in source.inputs.values() if one.collection]
    return False
