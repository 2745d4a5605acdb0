"""Named regions: boxes round the points that S-23 names on their limits, the same for the page and the command."""

from __future__ import annotations

import numpy as np
import pytest

from builder.build import Request, build
from builder.cli import main
from builder.index.blocks import meets
from builder.index.encode import DEGREE
from builder.index.regions import REGIONS, box_text
from builder.pages.messages import load_messages
from builder.pages.regions import named_regions
from builder.search.asked import asked_of
from tests import synthetic

# Latitude and longitude of places that S-23 (3rd edition, 1953) names on the limit between two waters.
LIMITS = {
    "Cape Morris Jesup": (83 + 38 / 60, -(32 + 40 / 60), ["greenland-sea"]),
    "Cape Leigh Smith": (80 + 5 / 60, 28.0, ["barents-sea"]),
    "Cape Kohlsaat": (81 + 14 / 60, 65 + 10 / 60, ["barents-sea", "kara-sea"]),
    "Cape Molotov": (81 + 13 / 60, 95 + 15 / 60, ["kara-sea", "laptev-sea"]),
    "Kotelni Island": (76 + 10 / 60, 138 + 50 / 60, ["laptev-sea", "east-siberian-sea"]),
    "Wrangel Island": (71.5, -179.5, ["east-siberian-sea", "chukchi-sea"]),
    "Point Barrow": (71 + 20 / 60, -(156 + 20 / 60), ["chukchi-sea", "beaufort-sea"]),
    "North Cape": (71 + 10 / 60, 25 + 47 / 60, ["norwegian-sea", "barents-sea"]),
    "Gerpir": (65 + 5 / 60, -13.5, ["norwegian-sea", "greenland-sea"]),
    "Cape Norton Shaw": (76 + 29 / 60, -78.5, ["baffin-bay", "canadian-archipelago"]),
    "Cape Sherard": (74 + 35 / 60, -80.5, ["baffin-bay", "canadian-archipelago"]),
    "Cape Liverpool": (73 + 44 / 60, -(77 + 50 / 60), ["baffin-bay", "canadian-archipelago"]),
}


@pytest.mark.parametrize("place", LIMITS)
def test_a_region_holds_the_places_that_are_named_on_its_limits(place):
    north, east, regions = LIMITS[place]
    there = np.array([[round(east * DEGREE), round(north * DEGREE), 0, 0]])
    for region in regions:
        box = asked_of(f"bbox={box_text(region)}").box
        assert box is not None
        assert meets(there, box)[0], region


def test_the_page_offers_every_region_by_name():
    offered = dict(named_regions(load_messages("en")))
    assert len(offered) == len(REGIONS)
    assert offered["Fram Strait"] == "-20,77,15,81"
    assert set(offered.values()) == {box_text(name) for name in REGIONS}


def test_the_command_finds_in_a_region_what_lies_there(tmp_path, capsys):
    synthetic.write_definition(tmp_path / "collections")
    synthetic.fill(tmp_path / "state", 150)
    build(Request(tmp_path / "collections", tmp_path / "out", tmp_path / "state", no_harvest=True), lambda _: None)

    def ids(*options):
        with pytest.raises(SystemExit) as left:
            main(["search", str(tmp_path / "out"), *options])
        assert left.value.code == 0
        return sorted(capsys.readouterr().out.split())

    by_box = ids("--bbox", "-180,66,180,90", "--output", "ids")
    assert ids("--region", "north-of-arctic-circle", "--output", "ids") == by_box != []
    assert ids("--region", "north-of-arctic-circle", "--page", "") == ids("--page", "bbox=-180,66,180,90") == by_box


def test_a_region_and_a_box_at_once_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["search", str(tmp_path), "--region", "kara-sea", "--bbox", "1,2,3,4"])
    assert left.value.code == 2
    assert "--region" in capsys.readouterr().err
    for options, wrong in (
        (("--region", "svalbard", "--page", "bbox=0,70,10,80"), "the address has one"),
        (("--region", "svalbard", "--bbox", "0,70,10,80"), "give it or --bbox"),
        (("--datetime", "2019", "--page", "q=ice"), "leave out datetime"),
    ):
        with pytest.raises(SystemExit) as left:
            main(["search", str(tmp_path / "out"), *options])
        assert left.value.code == 2
        assert wrong in capsys.readouterr().err
