"""Remote STAC: real static catalogues walked, an API searched through pystac-client, scenes along a cruise track."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pystac
import pytest

from builder.definitions.model import StacSource
from builder.errors import DefinitionError, SourceError
from builder.findings import Finding
from builder.geometry.cruise import near, read_track, windows
from builder.serve import running, serve
from builder.sources.http import HttpGate, Limits, origin_of
from builder.sources.stac import StacAdapter

TRACK = b"time,longitude,latitude\n2018-08-01T12:00:00Z,-178.0,85.0\n2018-08-02T12:00:00,179.0,86.5\n"


def scan(url, base, **selection):
    source = StacSource(type="stac", url=url, delay_s=0, **selection)
    with HttpGate([origin_of(url)], delay_s=0, limits=Limits(tries=1)) as gate:
        adapter = StacAdapter(source, gate, base)
        found = list(adapter.scan())
    return adapter, [f for f in found if not isinstance(f, Finding)], [f for f in found if isinstance(f, Finding)]


def test_every_item_of_a_real_static_catalogue(shared_data, tmp_path):
    folder = shared_data / "science" / "cloud" / "stac_noaa_cdr" / "noaa-cdr-sea-ice-concentration"
    linked = json.loads((folder / "collection.json").read_bytes())["links"]
    paths = [link["href"] for link in linked if link["rel"] == "item"]
    truth = {pystac.Item.from_file(str(folder / path)).id for path in paths if (folder / path).exists()}
    with serve(folder) as server:
        adapter, records, findings = scan(f"{server.url}collection.json", tmp_path)
        assert {record.identifier for record in records} == truth
        assert len(findings) == len(paths) - len(truth)  # linked, but not in the recording: one line each
        assert adapter.complete  # what is refused is known by name, so it counts as seen
        for record in records:
            assert record.body == (folder / record.url.removeprefix(server.url)).read_bytes()
        _, south, _ = scan(f"{server.url}collection.json", tmp_path, bbox=(-180, -90, 180, -60))
        assert south
        assert all("_sh_" in record.identifier for record in south)
        _, late, _ = scan(f"{server.url}collection.json", tmp_path, datetime="2022-06-01/..")
        assert {record.identifier for record in late} < truth
        limited, few, said = scan(f"{server.url}collection.json", tmp_path, limit=2)
        assert len(few) == 2
        assert not limited.complete
        assert [finding.code for finding in said if finding.code == "stac.limit"]


def feature(number, west, day, **more):
    ring = [[west, 84], [west + 4, 84], [west + 4, 87], [west, 87], [west, 84]]
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": f"scene-{number}", "collection": "s1",
        "links": [], "assets": {},
        "bbox": [west, 84, west + 4, 87], "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"datetime": f"2018-08-{day:02d}T12:00:00Z"}, **more,
    }  # fmt: skip


SCENES = [
    feature(1, -180, 1),  # over the ship
    feature(2, 174, 2),  # beside it, other side of the antimeridian
    feature(3, 0, 1),  # same latitude, half the world away
    feature(4, -180, 20),  # same place, weeks later
]


def api(url):
    def app(environ, start):
        path, asked = environ["PATH_INFO"], parse_qs(environ["QUERY_STRING"])
        if environ["REQUEST_METHOD"] == "POST":
            asked = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        if path == "/search":
            start_at = int(asked.get("page", ["0"])[0]) if "page" in asked and isinstance(asked["page"], list) else 0
            first, _, last = (
                asked["datetime"] if isinstance(asked["datetime"], str) else asked["datetime"][0]
            ).partition("/")
            hits = [s for s in SCENES if first <= s["properties"]["datetime"] <= last]
            page = {"type": "FeatureCollection", "features": hits[start_at : start_at + 1], "links": []}
            if start_at + 1 < len(hits):
                href = f"{url}search?page={start_at + 1}&datetime={first}/{last}"
                page["links"].append({"rel": "next", "href": href, "method": "GET"})
            body = page
        else:
            core = "https://api.stacspec.org/v1.0.0/core"
            body = {
                "type": "Catalog", "stac_version": "1.0.0", "id": "api", "description": "a",
                "conformsTo": [core, core.replace("core", "item-search")],
                "links": [{"rel": "self", "href": url}, {"rel": "root", "href": url},
                          {"rel": "search", "href": f"{url}search", "method": "GET"}],
            }  # fmt: skip
        data = json.dumps(body).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    return app


def test_scenes_along_a_cruise_track(tmp_path):
    (tmp_path / "track.csv").write_bytes(TRACK)
    with running(api) as server:
        adapter, records, findings = scan(
            server.url, tmp_path, track="track.csv", track_distance_km=150, track_hours=24
        )
    assert findings == []
    assert adapter.complete
    assert [record.identifier for record in records] == ["scene-1", "scene-2"]


def test_a_dead_root_is_an_error_and_a_dead_branch_a_finding(tmp_path):
    root = {
        "type": "Catalog",
        "id": "r",
        "links": [{"rel": "child", "href": "gone.json"}, {"rel": "item", "href": "html.json"}],
    }
    (tmp_path / "catalog.json").write_text(json.dumps(root))
    (tmp_path / "html.json").write_text("<html>Maintenance</html>")
    with serve(tmp_path) as server:
        adapter, records, findings = scan(f"{server.url}catalog.json", tmp_path)
        assert records == []
        assert [finding.code for finding in findings] == ["stac.fetch", "stac.protocol"]
        assert not adapter.complete
        with pytest.raises(SourceError):
            scan(f"{server.url}nothing.json", tmp_path)


def test_an_item_elsewhere_is_not_fetched(tmp_path):
    root = {"type": "Catalog", "id": "r", "links": [{"rel": "item", "href": "http://169.254.169.254/latest/meta-data"}]}
    (tmp_path / "catalog.json").write_text(json.dumps(root))
    with serve(tmp_path) as server:
        _, records, findings = scan(f"{server.url}catalog.json", tmp_path)
    assert records == []
    assert "not allowed" in findings[0].message


def test_distances_hold_at_the_pole():
    track = read_track(b"time,lon,lat\n2018-08-01T00:00:00Z,0,89.5\n", "t")
    moment = datetime(2018, 8, 1, tzinfo=UTC)
    beyond = {"type": "Point", "coordinates": [180.0, 89.5]}  # one degree of latitude over the pole: 111.7 km on WGS 84
    assert near(track, beyond, moment, moment, distance_km=112, hours=1)
    assert not near(track, beyond, moment, moment, distance_km=110, hours=1)
    (window,) = windows(track, 112, 1)
    assert window.bbox[0::2] == (-180.0, 180.0)
    assert window.bbox[3] == 90.0


DAYS = b"""Time,Longitude,Latitude
2018-08-01T12:00:00+02:00,190,60
2018-08-01T20:00:00Z,-171,62
2018-08-02T00:00:00Z,10,-80
2018-08-03T00:00:00Z,170,60
2018-08-03T06:00:00Z,-170,60
"""


def test_each_day_of_a_track_has_a_window_that_holds_all_that_is_near():
    """One degree of latitude on the mean sphere is 111.195 km; a degree of longitude shrinks by the cosine."""
    track = read_track(DAYS, "t")
    assert (track[0].time, track[0].longitude) == (datetime(2018, 8, 1, 10, tzinfo=UTC), -170)
    first, south, across = windows(track, 2 * 111.195, 6)
    side = 2 / math.cos(math.radians(64))
    assert first.bbox == pytest.approx((-171 - side, 58, -170 + side, 64))
    assert (first.start, first.end) == (datetime(2018, 8, 1, 4, tzinfo=UTC), datetime(2018, 8, 2, 2, tzinfo=UTC))
    assert next(iter(windows(track[2:3], 12 * 111.195, 6))).bbox == pytest.approx((-180, -90, 180, -68))
    assert south.bbox[1::2] == pytest.approx((-82, -78))
    assert across.bbox == pytest.approx((-180, 58, 180, 62))


def test_a_scene_is_near_in_place_along_its_parallels_and_in_time():
    (fix,) = track = read_track(b"time,lon,lat\n2018-08-01T00:00:00Z,45,81\n", "t")
    ring = [[0, 70], [90, 70], [90, 80], [0, 80], [0, 70]]  # whose straight side over the map would hold the ship
    scene = {"type": "Polygon", "coordinates": [ring]}
    for hours, is_near in ((-25, False), (-23, True), (23, True), (25, False)):
        moment = fix.time + timedelta(hours=hours)
        assert near(track, scene, moment, moment, distance_km=120, hours=24) == is_near
        assert not near(track, scene, moment, moment, distance_km=105, hours=24)  # one degree is 111.7 km there


@pytest.mark.parametrize(
    "bad", [b"", b"a,b\n1,2\n", b"time,longitude,latitude\nyesterday,1,2\n", b"time,lon,lat\n2018-01-01,5,95\n", b"{}"]
)
def test_a_bad_track_is_named(bad):
    with pytest.raises(DefinitionError, match=r"track\.csv"):
        read_track(bad, "track.csv")
