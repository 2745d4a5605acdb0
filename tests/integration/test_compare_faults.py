"""The page that compares, in headless Chromium, where servers fail, are late or never answer."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import netCDF4
import numpy as np
import pytest

from builder.enrich.guard import file_kind
from builder.enrich.references import build_references
from builder.pages.footprints import box_geometry
from builder.pages.render import Renderer
from processors.cog import Band, Raster, blocks_of, write_cog
from tests.browser import opened
from tests.servers.local import Answer, Request
from tests.servers.troubled import Faults, broken, late, served
from tests.unit.pages_build import website
from tests.unit.pages_samples import CTD, CTD_COLLECTION, ENTRIES, ICE, ICE_COLLECTION, IMR, NERSC

pytestmark = pytest.mark.integration
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
NAMES = "texts", ".layers .name a"
NOTES = "texts", ".layers [role=status]"
LIST = ".layers li"
NEVER = Answer(silence_s=60)


def write_casts(path: Path, shift: float) -> None:
    with netCDF4.Dataset(path, "w") as file:
        for name, length in (("TIME", 3), ("DEPTH", 400)):
            file.createDimension(name, length)
        for name, units, values in (
            ("TIME", "days since 2018-07-01", [0, 1, 2]),
            ("LATITUDE", "degrees_north", [74, 75, 76]),
            ("LONGITUDE", "degrees_east", [20, 21, 22]),
        ):
            variable = file.createVariable(name, "f8", ("TIME",))
            variable.units = units
            variable[:] = values
        depth = file.createVariable("DEPTH", "f8", ("DEPTH",))
        depth.units, depth.positive = "m", "down"
        depth[:] = np.arange(400)
        temp = file.createVariable("TEMP", "f4", ("TIME", "DEPTH"))
        temp.units = "degree_Celsius"
        temp[:] = np.arange(1200).reshape(3, 400) / 100 + shift


def cast_page(folder: Path, path: Path, partner: str) -> None:
    """Write a partner's file, its references, and the page of its item."""
    name = path.stem
    write_casts(path, len(name))
    made, _, _ = build_references(path, file_kind(path), path.name)
    (folder / f"{name}-references.json").write_bytes(made.aimed(f"{partner}/{name}.nc"))
    references = CTD["assets"]["references"] | {
        "href": f"./{name}-references.json",
        "iaos:web_readable": True,
        "iaos:read_cost": {"profile": {"requests": 2, "bytes": 1000}},
        "iaos:source_size": path.stat().st_size,
    }
    data = {"href": f"{partner}/{name}.nc", "type": "application/x-netcdf", "roles": ["data"]}
    properties = CTD["properties"] | {"title": f"Casts {name}"}
    item = CTD | {"id": name, "assets": {"data": data, "references": references}, "properties": properties}
    (folder / f"{name}.html").write_bytes(Renderer().item(item, CTD_COLLECTION, IMR))


def raster_page(folder: Path) -> None:
    """Write two rasters, larger than what is read when they are opened, and the page of their item."""
    values = np.random.default_rng(7).normal(size=(600, 600)).astype("f4")
    assets = {}
    for name in ("one", "two"):
        place = (10_000.0, 0.0, -3_000_000.0, 0.0, -10_000.0, 3_000_000.0)
        about = Raster(values.shape, "float32", "EPSG:3413", place, (Band(name, "m"),), nodata=np.nan)
        fields = write_cog(folder / f"{name}.tif", about, blocks_of(values))
        assets[name] = {"href": f"./{name}.tif", "type": COG, "roles": ["data"], "title": f"Field {name}"} | fields
    properties = ICE["properties"] | {"title": "Fields"}
    geometry = box_geometry((-180, 60, 180, 90))
    item = ICE | {"id": "fields", "geometry": geometry, "assets": assets, "properties": properties}
    (folder / "fields.html").write_bytes(Renderer().item(item, ICE_COLLECTION, NERSC))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The catalogue's folder and server, and what goes wrong there and at the partner."""
    top = tmp_path_factory.mktemp("faults")
    root, partner = top / "site", top / "partner"
    partner.mkdir()
    here, there = Faults(), Faults()
    with served(root, here) as catalogue, served(partner, there) as host:
        renderer = Renderer()
        for path, data in website(renderer).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        (root / "compare/index.html").write_bytes(renderer.compare(ENTRIES, [host.url]))
        for name in ("a", "b", "c"):
            cast_page(root / "imr/ctd", partner / f"{name}.nc", host.url)
        raster_page(root / "nersc/seaice")
        yield root, catalogue, here, there


A, B, C = (f"imr/ctd/{name}.json" for name in "abc")
FIELDS = "nersc/seaice/fields.json"


@pytest.fixture
def visit(site, tools, tmp_path):
    """Open pages in one browser each; what was found, with troubles of the network left out that are meant."""
    _, catalogue, here, there = site
    here.of.clear()
    there.of.clear()

    def run(address: str, acts: list, **more) -> list:
        page = {"url": f"{catalogue.url}/{address}", "acts": acts, "ready": LIST} | more
        (found,) = opened(tools, tmp_path, page)
        meant = (
            "Failed to load resource",
            "Error: Error fetching data",
        )  # the second is geotiff.js's own, of parts read ahead
        assert [one for one in found["problems"] if not one.startswith(meant)] == []
        return found["found"]

    return run


def comparing(*layers: str, more: str = "") -> str:
    return f"compare/index.html?{'&'.join(f'layer={one}' for one in layers)}{more}"


def layers_in(address: str) -> list[str]:
    return parse_qs(urlsplit(address).query).get("layer", [])


def test_a_layer_whose_page_fails_for_now_is_kept_and_can_be_tried_again(site, visit):
    _, catalogue, here, _ = site
    here.of["imr/ctd/b.html"] = [Answer(503), Answer(503), None]
    gathering = f"{catalogue.url}/compare/index.html?add="
    acts = [
        ("open", gathering + B),
        NAMES,
        NOTES,
        ("open", f"{catalogue.url}/compare/index.html"),
        NAMES,
        ("address", None),
    ]
    acts += [("click", '[name="again"]'), NAMES, NOTES, ("focused", None)]
    found = visit(f"compare/index.html?add={A}", acts)
    assert found[1] == found[4] == [B, "Casts a"]
    assert "could not be fetched just now" in found[2][0]
    assert layers_in(found[5]) == [B, A]
    assert found[7:9] == [["Casts b", "Casts a"], []]
    assert found[9] == "up" or found[9] == "down"  # the button is gone; its line has the focus


@pytest.mark.parametrize("gone", [Answer(410), None])
def test_a_layer_that_is_gone_is_left_out_of_list_address_and_what_was_gathered(site, visit, gone):
    _, catalogue, here, _ = site
    path = "imr/ctd/b.html" if gone else "imr/ctd/gone.html"  # the page of a withdrawn item is there, without a map
    here.of[path] = [gone]
    acts = [
        ("open", f"{catalogue.url}/compare/index.html?add={path.replace('html', 'json')}"),
        NAMES,
        ("text", "[data-say]"),
    ]
    acts += [("address", None), ("open", f"{catalogue.url}/compare/index.html"), ("address", None)]
    found = visit(f"compare/index.html?add={A}", acts)
    assert found[1] == ["Casts a"]
    assert found[2].startswith("Part of this address")
    assert layers_in(found[3]) == layers_in(found[5]) == [A]


def test_a_late_page_holds_up_no_other_layer(site, visit):
    root, _, here, _ = site
    here.of["imr/ctd/a.html"] = [late(root, 6)]
    acts = [("wait", ".layers .legend"), NAMES, NOTES, ("pause", 6000), NAMES, NOTES]
    found = visit(comparing(FIELDS, A), acts, until="load")
    assert found[1:3] == [["Fields", A], ["Being opened …"]]
    assert found[4:6] == [["Fields", "Casts a"], []]


def typed(address: str) -> list:
    return [("fill", ["input[name=address]", address]), ("press", "Enter")]


def test_layers_added_at_once_share_one_board(site, visit):
    root, catalogue, here, _ = site
    here.of["static/land.svg"] = [late(root, 2)]
    acts = [act for path in (A, B, FIELDS) for act in typed(f"{catalogue.url}/{path}")]
    acts += [("pause", 3000), NAMES, ("texts", ".board h2"), ("address", None)]
    found = visit("compare/index.html", acts, ready="form:not([hidden]) input")
    assert found[7] == ["Fields", "Casts b", "Casts a"]
    assert found[8] == ["Layers", "Read values"]
    assert layers_in(found[9]) == [FIELDS, B, A]


def test_a_board_that_could_not_be_had_is_said_and_tried_again(site, visit):
    _, catalogue, here, _ = site
    here.of["static/land.svg"] = [Answer(503), None]
    acts = [
        *typed(f"{catalogue.url}/{A}"),
        ("text", "[data-say]"),
        *typed(f"{catalogue.url}/{A}"),
        ("text", "[data-say]"),
        NAMES,
    ]
    found = visit("compare/index.html", acts, ready="form:not([hidden]) input")
    assert found[2].startswith("This did not work: 503")
    assert found[5:] == ["", ["Casts a"]]


def test_a_link_does_not_replace_what_was_gathered_unless_it_is_asked_to(site, visit):
    _, catalogue, *_ = site
    bare, link = f"{catalogue.url}/compare/index.html", f"{catalogue.url}/{comparing(B, C)}"
    acts = [("open", link), ("click", ".layers li:first-child [name=down]"), ("address", None)]
    acts += [("open", bare), NAMES, ("open", link), ("click", "button[name=keep]"), ("open", bare), NAMES]
    acts += [("reload", LIST), ("click", ".layers li:first-child [name=remove]"), ("open", bare), NAMES]
    found = visit(f"compare/index.html?add={A}", acts)
    assert layers_in(found[2]) == [C, B]
    assert found[4] == ["Casts a"]
    assert found[8] == ["Casts b", "Casts c"]
    assert found[12] == ["Casts c"]  # its own address, loaded again, is still what the reader gathers


def test_of_two_choices_the_later_raster_is_shown_and_keeps_the_focus(site, visit):
    root, _, here, _ = site
    here.of["nersc/seaice/one.tif"] = [late(root, 3)]
    acts = [
        ("focus", "select[name=raster]"),
        ("choose", ["raster", "1"]),
        ("wait", ".layers .legend"),
        ("focused", None),
    ]
    acts += [
        ("pause", 3000),
        ("text", ".layers .legend p"),
        ("value", "select[name=raster]"),
        ("text", ".values tbody th"),
    ]
    found = visit(comparing(FIELDS), acts, until="load")
    assert found[3] == "raster"
    assert found[5:7] == ["Field two", "1"]
    assert found[7].startswith("Field two")


def beyond_the_head(request: Request) -> Answer | None:
    return None if request.headers.get("range", "").startswith("bytes=0-") else Answer(503)


def test_a_value_that_cannot_be_had_is_no_answer_and_not_outside(site, visit):
    _, _, here, _ = site
    here.of["nersc/seaice/one.tif"] = [beyond_the_head]
    acts = [
        ("fill", ["input[name=lon]", "100"]),
        ("fill", ["input[name=lat]", "74"]),
        ("press", "Enter"),
        ("pause", 1500),
    ]
    acts += [("text", 'td[data-column="chosen"]'), ("heard", "Field one")]
    found = visit(comparing(FIELDS), acts)
    assert found[4] == "no answer"
    assert found[5].endswith("Field one: no answer")


def test_the_focus_goes_to_the_form_with_the_last_layer(visit):
    acts = [
        ("click", ".layers li:last-child [name=remove]"),
        ("focused", None),
        ("click", "[name=remove]"),
        ("focused", None),
    ]
    assert visit(comparing(A, B), acts)[1::2] == ["remove", "address"]


PLACE = "&at=21,75"
PRICE = ("text", "form.ask p[role=status]")
OPEN = [("click", "[data-read]"), ("wait", "form.ask button:not(:disabled)")]
GO = "form.ask button"


def test_a_host_that_never_answers_holds_up_neither_price_nor_plots(site, visit):
    _, _, _, there = site
    there.of["b.nc"] = [NEVER]
    acts = [
        *OPEN,
        PRICE,
        ("texts", ".asked p"),
        ("click", GO),
        ("wait", "[data-done]"),
        ("texts", "[data-answer] summary"),
    ]
    acts += [("texts", ".plots .u-legend .u-label")]
    found = visit(comparing(A, B, C, more=PLACE), acts)
    assert re.search(r"requests: \d", found[2])
    summaries = [one for one in found[6] if one.startswith("TEMP")]
    assert summaries == ["TEMP, Casts a", "TEMP, Casts c"]
    assert sum(one.startswith("TEMP") for one in found[7]) == 2


def test_a_connection_that_breaks_is_said_and_the_values_can_be_read_later(site, visit):
    root, _, here, there = site
    there.of["a.nc"] = [broken(root.parent / "partner")]
    here.of["heal"] = there.switch({"a.nc": [None]})
    acts = [
        ("click", "[data-read]"),
        ("pause", 1500),
        ("run", f"document.querySelector('{GO}').click()"),
        ("pause", 1500),
    ]
    acts += [
        ("texts", ".asked p"),
        ("run", "fetch('/heal').then(() => 0)"),
        ("fill", ["input[name=depth]", "5"]),
        ("press", "Tab"),
    ]
    acts += [("wait", f"{GO}:not(:disabled)"), ("click", GO), ("wait", '[data-done="1"]')]
    found = visit(comparing(A, more=PLACE), acts)
    assert "No answer from the partner's server" in found[4][0]


def test_a_read_is_not_begun_again_before_it_is_done(site, visit):
    root, _, here, there = site
    here.of["slow"] = there.switch({"a.nc": [late(root.parent / "partner", 3)]})
    disabled = ("run", f"document.querySelector('{GO}').disabled")
    acts = [
        *OPEN,
        ("run", "fetch('/slow').then(() => 0)"),
        ("click", GO),
        ("fill", ["input[name=depth]", "5"]),
        ("press", "Tab"),
    ]
    acts += [disabled, ("wait", "[data-done]"), ("pause", 300), disabled]
    found = visit(comparing(A, more=PLACE), acts)
    assert [found[6], found[9]] == [True, False]


def test_plots_that_are_replaced_are_let_go(visit):
    again = [("click", GO), ("pause", 500), ("wait", "[data-done]")]
    acts = [*OPEN, *again, ("alive", "HTMLCanvasElement"), *again * 4, ("alive", "HTMLCanvasElement")]
    found = visit(comparing(A, C, more=PLACE), acts)
    assert found[-1] <= found[5] + 1, "the browser may hold one for a while, but not one of each time"


def test_code_that_could_not_be_fetched_is_said_and_the_button_works_again(site, visit):
    root, _, here, _ = site
    (chunk,) = (root / "static/app/chunks").glob("readings-*.js")
    here.of[chunk.relative_to(root).as_posix()] = [Answer(503), None]
    acts = [("click", "[data-read]"), ("text", "[data-say]"), ("run", "document.querySelector('[data-read]').disabled")]
    found = visit(comparing(A, more=PLACE), acts)
    assert found[1].startswith("This did not work: ")
    assert found[2] is False
