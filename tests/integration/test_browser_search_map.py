"""The map of the search page in headless Chromium: a box drawn there is searched, and one that is searched is shown."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from pyproj import Transformer

from builder.pages.render import Renderer
from builder.search.asked import asked_of
from builder.search.page import Index
from builder.search.places import files_of
from builder.serve import serve
from tests import searching
from tests.browser import opened
from tests.unit.pages_build import website, write

pytestmark = pytest.mark.integration
HALF = 3_900_000
"""Half of what the map shows, metres."""
UNFOLD = "document.querySelector('form details').open = true; 0"
OPEN = [("run", UNFOLD), ("click", "[data-map]"), ("wait", ".ground canvas")]
ANSWERED = ("wait", "[data-hits][data-done]")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("search")
    write(root, website(Renderer()))
    searching.write(root, searching.invent(5000))
    with serve(root) as server:
        yield root, f"{server.url}search/index.html"


def visit(tools, tmp_path, url: str, acts: list, **more) -> dict:
    page = {"url": url, "acts": acts, "ready": 'form[role="search"]:not([hidden])'} | more
    (found,) = opened(tools, tmp_path, page)
    assert found["problems"] == []
    return found


def bbox_of(address: str) -> list[float]:
    return [float(side) for side in parse_qs(urlsplit(address).query)["bbox"][0].split(",")]


def places_in(drawn, code: int):
    """Longitudes and latitudes all over a rectangle of shares of the map, as PROJ has them."""
    (x0, y0), (x1, y1) = drawn
    x, y = np.meshgrid(np.linspace(x0, x1, 201), np.linspace(y0, y1, 201))
    back = Transformer.from_crs(code, 4326, always_xy=True)
    return back.transform((x.ravel() - 0.5) * 2 * HALF, (0.5 - y.ravel()) * 2 * HALF)


DRAWN = {
    "east of Greenland": (((0.55, 0.55), (0.7, 0.68)), 3413),
    "across ±180°": (((0.2, 0.2), (0.4, 0.38)), 3413),
    "round the pole": (((0.4, 0.45), (0.65, 0.6)), 3413),
    "beside the pole, in another projection": (((0.7, 0.45), (0.55, 0.6)), 3995),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_box_that_is_drawn_is_searched(tools, site, tmp_path, name):
    root, url = site
    drawn, code = DRAWN[name]
    acts = [*OPEN, ("project", f"EPSG:{code}"), ("drag", drawn), ANSWERED, ("address", None), ("text", "[data-say]")]
    found = visit(tools, tmp_path, url, [*acts, ("value", "input[name=west]"), ("picture", "drawn")])["found"]
    west, south, east, north = bbox_of(found[6])
    longitude, latitude = places_in(drawn, code)
    pixels = 0.3  # degrees of latitude
    assert south == pytest.approx(latitude.min(), abs=pixels)
    if name == "round the pole":
        assert (west, east, north) == (-180, 180, 90)
    else:
        assert north == pytest.approx(latitude.max(), abs=pixels)
        middle = longitude[len(longitude) // 2]
        away = (longitude - middle + 180) % 360 - 180
        turned = [(side - middle + 180) % 360 - 180 for side in (west, east)]
        assert turned == pytest.approx([away.min(), away.max()], abs=pixels / np.cos(np.radians(latitude.max())))
        assert (west > east) == (name == "across ±180°")
    query = urlsplit(found[6]).query
    assert found[7] == f"{len(list(Index(files_of(str(root))).ids(asked_of(query)))):,} found"
    assert float(found[8]) == west


def test_the_map_shows_what_the_address_asks_and_what_the_fields_say(tools, site, tmp_path):
    _, url = site
    forward = Transformer.from_crs(4326, 3413, always_xy=True)
    seas = (forward.transform(east, 74) for east in (15, -70))  # between meridians, parallels and land
    here, there = ((0.5 + x / (2 * HALF), 0.5 - y / (2 * HALF)) for x, y in seas)
    look = ("colours", [here, there])
    acts = [*OPEN, ("pause", 500), look, ("fill", ["input[name=west]", "-80"]), ("fill", ["input[name=east]", "-60"])]
    acts += [("press", "Enter"), ANSWERED, ("pause", 500), look, ("axe", None), ("wide", None)]
    found = visit(tools, tmp_path, f"{url}?bbox=5,70,25,80", acts, width=360)["found"]
    (boxed, bare), (after, now_boxed) = found[4], found[10]
    assert boxed == now_boxed
    assert bare == after != boxed
    assert found[11] == []
    assert found[12] <= 360


def test_the_code_of_the_map_comes_only_when_it_is_asked_for(tools, site, tmp_path):
    _, url = site
    found = visit(tools, tmp_path, url, [])
    assert not [one for one in found["asked"] if "/map-" in one or "land.svg" in one]
