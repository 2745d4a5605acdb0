"""Whatever pystac rejects of an Item, Collection or Catalog, our validation rejects too."""

from __future__ import annotations

import copy

import pystac.validation
import pytest

from builder.checks.validate import validate
from builder.stac.collection import build_collection, build_partner_catalog
from builder.stac.item import build_item
from builder.stac.summaries import Summary
from tests.stac_sample import DEFINITION, INSTANT, context, point

ITEM = build_item(INSTANT, point(10, 80), context(INSTANT, references=False))[0]
SUMMARY = Summary()
SUMMARY.add(ITEM)
OBJECTS = {
    "item": ITEM,
    "collection": build_collection(DEFINITION, SUMMARY),
    "catalog": build_partner_catalog(DEFINITION.partner, [DEFINITION]),
}
WRONG = (None, True, -1.5, "", "wrong", [], {}, [[]], [{}])
DEPTH = 3


def places(value, depth=DEPTH):
    """Yield the path of every member, the first entries of lists standing for all."""
    members = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, member in members:
        yield (key,)
        if depth > 1:
            yield from ((key, *path) for path in places(member, depth - 1))


def broken(whole):
    """Yield copies with one member removed or of a wrong type, and what was done."""
    for path in places(whole):
        for wrong in ("removed", *WRONG):
            changed = copy.deepcopy(whole)
            parent = changed
            for key in path[:-1]:
                parent = parent[key]
            if wrong == "removed":
                del parent[path[-1]]
            else:
                parent[path[-1]] = wrong
            yield changed, f"{'/'.join(map(str, path))}: {wrong!r}"


def rejected_by_pystac(stac, kind):
    """Pystac brings the core schemas; those of extensions it would fetch."""
    try:
        pystac.validation.validate_dict(stac, pystac.STACObjectType(kind), "1.1.0", extensions=[])
    except pystac.STACValidationError:
        return True
    return False


@pytest.mark.parametrize("name", OBJECTS)
def test_what_pystac_rejects_is_rejected(name):
    whole = {**OBJECTS[name], "stac_extensions": []}
    kind = whole["type"]
    assert not rejected_by_pystac(whole, kind)
    assert validate(whole) == []
    rejected, missed = 0, []
    for stac, what in broken(whole):
        if stac.get("type") == kind and rejected_by_pystac(stac, kind):
            rejected += 1
            if not validate(stac):
                missed.append(what)
    assert missed == []
    assert rejected > 20
