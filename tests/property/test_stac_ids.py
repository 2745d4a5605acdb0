"""No two identifiers meet, and every extent holds what it was made from."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from builder.checks.shapes import covers
from builder.stac.extents import Extents
from builder.stac.layout import item_id, relative, resolve

IDENTIFIERS = st.text(max_size=120) | st.from_regex(r"[A-Za-z0-9._ -]{0,12}(-[0-9a-f]{8})?", fullmatch=True)
LONGITUDES = st.floats(-180, 180)


@given(IDENTIFIERS)
@example("con.txt")
@example("0" * 100)
def test_every_identifier_becomes_safe_and_stays_so(identifier):
    made = item_id(identifier)
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,79}", made)
    assert not made.endswith(".")
    assert item_id(identifier) == made


@given(IDENTIFIERS, IDENTIFIERS)
def test_different_identifiers_give_different_ids(one, other):
    assert (item_id(one) == item_id(other)) == (one == other)


@given(IDENTIFIERS)
def test_no_unchanged_identifier_meets_a_changed_one(identifier):
    made = item_id(identifier)
    assert made == identifier or item_id(made) != made


@given(st.lists(st.tuples(LONGITUDES, LONGITUDES, st.floats(-90, 90), st.floats(-90, 90)), min_size=1, max_size=8))
@example([(180.0, 0.0, 0.0, 0.0), (-1.0, -1.0, 0.0, 0.0)])
@example([(170.0, -170.0, 60.0, 70.0), (175.0, 178.0, 60.0, 61.0)])
@example([(179.0, 179.5, 0.0, 0.0), (-179.5, -179.0, 0.0, 0.0)])
@example([(-180.0, -180.0, 0.0, 0.0), (180.0, 180.0, 0.0, 0.0), (170.0, 171.0, 0.0, 0.0)])
def test_an_extent_holds_every_box(boxes):
    extents = Extents()
    for west, east, south, north in boxes:
        extents.add_boxes([[west, min(south, north), east, max(south, north)]])
    west, south, east, north = extents.bbox
    assert -180 <= west <= 180
    assert -180 <= east <= 180
    for w, e, s, n in boxes:
        assert covers(west, east, w)
        assert covers(west, east, e)
        middle = (w + e) / 2 if w <= e else (w + e + 360) / 2
        assert covers(west, east, middle - 360 if middle > 180 else middle)
        assert south <= min(s, n)
        assert max(s, n) <= north


PATHS = st.lists(st.sampled_from(["imr", "ctd", "a.json", "2020", "records"]), min_size=1, max_size=4).map("/".join)


@given(PATHS, PATHS)
def test_a_relative_link_leads_to_its_target(source, target):
    assert resolve(source, relative(source, target)) == target
