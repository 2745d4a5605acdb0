"""Drafts the definition of a collection that a processor makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder.errors import UsageError

if TYPE_CHECKING:
    from processors.protocol import Processor


def draft_process(processor: str, name: str = "") -> str:
    """Write the YAML of a definition with all inputs and parameters of a processor; it can be loaded as it is.

    Args:
        processor: Its name.
        name: Identifier of the collection; made of the processor's if not given.

    Raises:
        UsageError: There is no such processor.
    """
    from processors.errors import Refusal
    from processors.registry import find_processor

    try:
        found = find_processor(processor)
    except Refusal as refusal:
        raise UsageError(refusal.message, where="--processor", hint=refusal.hint) from refusal
    return draft_of(found, name)


def draft_of(processor: Processor, name: str = "") -> str:
    """Write the same for a processor that is at hand."""
    return "\n".join(_lines(processor, name or f"new-{processor.name}")) + "\n"


def _lines(processor: Processor, own: str) -> Iterator[str]:
    yield "# yaml-language-server: $schema=schema.json"
    yield "#"
    yield f"# Fill in the lines marked with <-, then run `iaos check` and `iaos plan {own}`."
    yield f"id: {_text(own)}  # <- folder of the collection, for good"
    yield f"title: {_text(processor.title)}  # <-"
    yield f"description: {_text(processor.description)}  # <- what a reader finds in it"
    yield "partner:"
    yield "  id: new-partner  # <- folder of the institute that makes the products"
    yield "  name: New partner  # <- full name of the institute"
    yield "license: other  # <- SPDX identifier, or license_url beside it"
    yield "source:"
    yield "  type: process"
    yield f"  processor: {processor.name}"
    yield "  per: collection  # or: item, day, month, year"
    yield "  inputs:"
    for slot in processor.inputs:
        mark = "" if slot.least else "# "
        yield f"    {mark}{slot.name}: {{collection: some-collection}}  # <- {slot.title}"
    yield "  parameters:"
    fields = processor.parameters.model_fields
    required = [name for name, field in fields.items() if field.is_required()]
    for parameter in required:
        yield f"    {parameter}: null  # <- {_line(fields[parameter].description)}"
    if not required:
        yield "    {}"
    for parameter, field in fields.items():
        if parameter not in required:
            default = json.dumps(field.get_default(call_default_factory=True), ensure_ascii=False, default=str)
            yield f"    # {parameter}: {default}  # {_line(field.description)}"
    yield "enabled: false  # <- true once it has been looked at"


def _text(words: str) -> str:
    return json.dumps(_line(words), ensure_ascii=False)


def _line(words: str | None) -> str:
    return " ".join((words or "").split())
