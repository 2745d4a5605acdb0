"""What a maintainer may write about a collection that a processor makes from other collections."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from builder.definitions.types import Bbox, Interval, LocalPath, Slug, Strict, Text


class ProcessInput(Strict):
    """What a processor reads in one of its slots: files of another collection's items, or one local file."""

    collection: Slug | None = Field(None, description="Collection of this catalogue whose items are read.")
    path: LocalPath | None = Field(
        None, description="Local file instead, relative to the definition and below it, e.g. a calibration curve."
    )
    items: tuple[Text, ...] = Field((), description="Shell patterns on the ids of the items; empty means all.")
    bbox: Bbox | None = Field(
        None, description="Only items that touch `[west, south, east, north]`; west > east crosses the antimeridian."
    )
    datetime: Interval | None = Field(None, description="Only items of this instant or interval, `..` for open.")
    newest: int | None = Field(None, ge=1, description="Only so many items, the newest by their start.")
    assets: tuple[Text, ...] = Field(
        (),
        description="Shell patterns on the keys or file names of assets; "
        "empty means the data files of the type that the processor likes best.",
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.collection is None) == (self.path is None):
            raise ValueError("needs either `collection` or `path`")
        if self.path and self.model_fields_set - {"path"}:
            raise ValueError("`path` stands alone: it is one file")
        return self
