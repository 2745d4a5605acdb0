"""What the pages about processing services show."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from builder.pages.facts import Value


@dataclass(frozen=True, slots=True)
class Taken:
    """An input or a parameter of a service.

    Attributes:
        name: Its name.
        words: What it is, as safe HTML.
        kind: What it may be: media types, or a type of value.
        default: Its default; "required" is said where there is none.
        required: Whether it must be given.
    """

    name: str
    words: Markup
    kind: str
    default: str
    required: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A product of a service: its name or pattern, and what it is."""

    words: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ProcessView:
    """One processing service.

    Attributes:
        name: Its name, also of its files.
        version: Its version.
        title: Its title.
        description: What it does, as safe HTML.
        summary: The beginning of that, as text.
        inputs: What it reads.
        parameters: Its parameters.
        products: What it makes.
        command: An example on the command line.
        definition: An example of a definition.
        collections: Collections of the catalogue that it makes.
        documents: Its descriptions for machines.
    """

    name: str
    version: str
    title: str
    description: Markup
    summary: str
    inputs: tuple[Taken, ...]
    parameters: tuple[Taken, ...]
    products: tuple[Made, ...]
    command: str
    definition: str
    collections: tuple[Value, ...]
    documents: tuple[Value, ...]
