"""A partner with as many invented records as wanted, put straight into the state as a harvest would leave it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from builder.ledger import Change, Entry, Kind
from builder.memory.state import State, open_state
from builder.sources.protocol import Record

COLLECTION = "synthetic"
DEFINITION = """\
id: synthetic
title: Synthetic observations
description: Invented datasets all over the Arctic.
partner:
  id: bench
  name: Benchmark partner
license: CC-BY-4.0
source:
  type: ckan
  url: https://ckan.example.org/
policies:
  references: false
"""


def package(number: int, edition: int = 0) -> dict[str, Any]:
    """Return a CKAN package: every fifth a box, some across the antimeridian or round the pole, the others points."""
    longitude, latitude = number * 137.508 % 360 - 180, 55 + 35 * math.sqrt(number * 0.618034 % 1)
    start = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(hours=number * 7919 % 306_000)
    ships = ("Polarstern", "Oden", "Lance", "Kronprins Haakon", "Healy")
    return {
        "id": f"obs-{number:06d}",
        "name": f"obs-{number:06d}",
        "title": f"Profile {number} from {ships[number % 5]}" + (f", edition {edition}" if edition else ""),
        "notes": f"Temperature and salinity at station {number % 997} as measured on board; invented.",
        "license_id": "cc-by-4.0",
        "metadata_created": "2024-01-01T00:00:00",
        "metadata_modified": f"2024-02-{1 + edition:02d}T00:00:00",
        "organization": {"id": "bench", "name": "bench", "title": "Benchmark partner", "type": "organization"},
        "author": f"Author {number % 40}",
        "state": "active",
        "private": False,
        "type": "dataset",
        "tags": [{"name": "temperature"}, {"name": "salinity"}, {"name": f"station {number % 97}"}],
        "extras": [
            {"key": "spatial", "value": orjson.dumps(_place(number, longitude, latitude)).decode()},
            {"key": "temporal-extent-begin", "value": start.isoformat()},
            {"key": "temporal-extent-end", "value": (start + timedelta(hours=6)).isoformat()},
        ],
        "resources": [
            {"id": f"r{part}-{number}", "name": f"profile.{kind}", "format": kind, "state": "active",
             "url": f"https://files.example.org/{number}/profile.{kind}"}
            for part, kind in enumerate(("nc", "csv"))
        ],
    }  # fmt: skip


def _place(number: int, longitude: float, latitude: float) -> dict[str, Any]:
    longitude, latitude = round(longitude, 4), round(latitude, 4)
    if number % 5:
        return {"type": "Point", "coordinates": [longitude, latitude]}
    west, east, south, north = longitude, longitude + 3 + number * 7 % 90, latitude - 2, min(90.0, latitude + 1)
    if east <= 180:
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return {"type": "Polygon", "coordinates": [ring]}
    rings = [
        [[left, south], [right, south], [right, north], [left, north], [left, south]]
        for left, right in ((west, 180.0), (-180.0, east - 360))
    ]
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}


def record(number: int, edition: int = 0) -> Record:
    """Return the record of a package as the CKAN adapter makes it."""
    body = orjson.dumps(package(number, edition))
    address = f"https://ckan.example.org/dataset/obs-{number:06d}"
    return Record(f"obs-{number:06d}", "ckan", body, "application/json", address, f"2024-02-{1 + edition:02d}")


def write_definition(folder: Path) -> None:
    """Write the definition of the synthetic collection."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{COLLECTION}.yaml").write_text(DEFINITION)


def fill(folder: Path, count: int, *, changed: int = 0, withdrawn: int = 0, edition: int = 1) -> None:
    """Put ``count`` records into a state folder, in one run.

    Args:
        folder: The state.
        count: So many there are; those that are there already stay as they are.
        changed: So many of them, evenly spread, get another edition.
        withdrawn: So many, evenly spread between the changed ones, leave.
        edition: Of the changed ones.
    """
    with open_state(folder) as state:
        _fill(state, count, changed, withdrawn, edition)
        state.commit()


def _spread(count: int, some: int) -> list[int]:
    """Return so many numbers, evenly spread over all kinds of packages."""
    return [count * place // some + min(place % 5, count // some - 1) for place in range(some)]


def _fill(state: State, count: int, changed: int, withdrawn: int, edition: int) -> None:
    spread = dict.fromkeys(_spread(count, changed), edition)
    leave = {number + min(5, count // withdrawn - 1) for number in _spread(count, withdrawn)}
    with state.known(COLLECTION) as known:
        changes = []
        for number in range(count):
            made = record(number, spread.get(number, 0))
            found = known.find(made.identifier)
            if found and number in leave:
                entry = replace(found[1], gone=True, reason="withdrawn by the partner")
                changes.append(Change(Kind.GONE, made.identifier, "withdrawn by the partner", entry))
            elif not found or number in spread:
                state.store(COLLECTION, made)
                reason = "record differs" if spread else "first seen"
                changes.append(Change(Kind.CHANGED if found else Kind.NEW, made.identifier, reason, Entry.of(made)))
        state.remember(COLLECTION, known, changes)
