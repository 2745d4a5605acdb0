"""What reads cost, counted by hand, and which hosts let pages read."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest

from builder.enrich.guard import file_kind
from builder.enrich.references import build_references
from builder.errors import FetchError
from builder.memory.checked import forget_checks
from builder.memory.state import State
from builder.references.readcost import read_costs
from builder.serve import file_app, running
from builder.sources.http import HttpGate, origin_of
from builder.sources.limits import Limits
from builder.sources.webaccess import WebAccess
from tests.servers.local import Answer, LocalServer

DAYS, DEPTHS, Y, X = 40, 10, 60, 70


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("cost") / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, length in (("time", DAYS), ("depth", DEPTHS), ("y", Y), ("x", X)):
            file.createDimension(name, length)
        time = file.createVariable("time", "f8", ("time",))
        time.units = "days since 2000-01-01"
        time[:] = np.arange(DAYS)
        file.createVariable("temp", "f4", ("time", "depth", "y", "x"), chunksizes=(1, 5, Y, X))[:] = 1
    return build_references(path, file_kind(path), "https://example.org/a.nc")[0]


def test_costs_are_those_counted_by_hand(made):
    chunk = 5 * Y * X * 4  # 84,000 bytes without compression; two chunks a day lie one behind the other
    costs = read_costs(made)
    assert costs["map"] == {"requests": 1, "bytes": chunk}
    assert costs["profile"] == {"requests": 1, "bytes": 2 * chunk}
    table = made.tables["temp"]
    offsets = table.offsets[1::2]  # depth 5 of 10 lies in the second chunk of each day
    gaps = np.diff(offsets) - chunk
    assert (gaps > 64 * 1024).all()
    assert costs["series"] == {"requests": DAYS, "bytes": DAYS * chunk}


def test_a_variable_without_time_or_depth_has_only_a_map_and_one_without_values_costs_nothing(tmp_path):
    path = tmp_path / "b.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("y", 200)
        file.createDimension("x", 200)
        file.createVariable("ice", "f4", ("y", "x"))[:] = 1
        file.createDimension("time", None)
        file.createVariable("drift", "f4", ("time", "y", "x"))
    assert read_costs(build_references(path, file_kind(path), "u")[0]) == {"map": {"requests": 1, "bytes": 160_000}}


@pytest.mark.parametrize(
    ("name", "said", "read"),
    [
        ("t", {"axis": "T"}, "series"),
        ("t", {"units": "hours since 1950-01-01"}, "series"),
        ("Time", {}, "series"),
        ("s", {"positive": "up"}, "profile"),
        ("s", {"axis": "Z"}, "profile"),
        ("s", {"standard_name": "sea_water_pressure_due_to_sea_water"}, "profile"),
        ("Levels", {}, "profile"),
        ("s", {"standard_name": "latitude"}, None),
    ],
)
def test_axes_are_told_by_what_is_said_of_them_or_by_their_name(tmp_path, name, said, read):
    path = tmp_path / "c.nc"
    with netCDF4.Dataset(path, "w") as file:
        for dim in (name, "cast"):
            file.createDimension(dim, 30)
        file.createVariable(name, "f8", (name,)).setncatts(said)
        file.createVariable("value", "f8", (name, "cast"), chunksizes=(10, 30))[:] = 1
    costs = read_costs(build_references(path, file_kind(path), "u")[0])
    whole = {"requests": 1, "bytes": 30 * 30 * 8}
    assert costs == ({read: whole} if read else {"map": whole})


def test_coordinates_alone_cost_nothing(tmp_path):
    path = tmp_path / "e.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", 30)
        file.createVariable("time", "f8", ("time",))[:] = np.arange(30)
    assert read_costs(build_references(path, file_kind(path), "u")[0]) == {}


def test_the_dearest_is_that_of_most_bytes_in_the_chunk_in_the_middle(tmp_path):
    """Of one variable only the chunk that holds the middle, 12 of 24 times, is no mere repetition."""
    path = tmp_path / "d.nc"
    with netCDF4.Dataset(path, "w") as file:
        for dim, length in (("time", 24), ("y", 40), ("x", 50)):
            file.createDimension(dim, length)
        often = file.createVariable("often", "i1", ("time", "y", "x"), chunksizes=(1, 1, 50))
        often[:] = 1  # 40 chunks a map, 2,000 bytes
        large = file.createVariable("large", "f8", ("time", "y", "x"), chunksizes=(8, 40, 50), zlib=True)
        large[:] = 1
        large[8:16] = np.random.default_rng(1).random((8, 40, 50))
    made = build_references(path, file_kind(path), "u")[0]
    sizes = made.tables["large"].sizes
    assert sizes[1] > 60_000 > 10 * sizes[0]
    assert read_costs(made)["map"] == {"requests": 1, "bytes": sizes[1]}


def server(kind, folder):
    app = file_app(folder)

    def changed(environ, start):
        if kind == "whole":
            environ.pop("HTTP_RANGE", None)
        if kind == "away":
            start("503 Service Unavailable", [("Content-Length", "0")])
            return []
        return app(
            environ,
            lambda status, headers: start(status, [h for h in headers if kind != "closed" or "Allow" not in h[0]]),
        )

    return running(lambda url: changed)


@pytest.mark.parametrize(("kind", "expected"), [("open", True), ("closed", False), ("whole", False)])
def test_a_host_is_asked_for_ranges_and_leave_once(tmp_path, kind, expected):
    (tmp_path / "a.nc").write_bytes(b"x" * 100)
    state = State(tmp_path / "s", tmp_path / "s", tmp_path / "s")
    with server(kind, tmp_path) as served, HttpGate([served.url[7:-1]], delay_s=0, sleep=lambda s: None) as gate:
        access = WebAccess(state)
        assert access.allowed(gate, f"{served.url}a.nc") is expected
        assert access.allowed(gate, f"{served.url}b.nc") is expected
        assert gate.requests == 1
        assert WebAccess(state).allowed(gate, f"{served.url}a.nc") is expected
        assert gate.requests == 1, "a run that was killed has asked today"
        forget_checks(state)
        assert WebAccess(state).allowed(gate, f"{served.url}a.nc") is expected
        assert gate.requests == 2
    forget_checks(state)
    # A host that does not answer is what it was before.
    with HttpGate([served.url[7:-1]], delay_s=0, sleep=lambda s: None) as gate:
        with pytest.raises(FetchError):
            gate.get(served.url)
        assert WebAccess(state).allowed(gate, f"{served.url}a.nc") is expected


@pytest.mark.parametrize("before", [b"yes", b"no"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_host_in_passing_trouble_is_what_it_was_before(tmp_path, before, status):
    state = State(tmp_path, tmp_path / "overlay", tmp_path)
    with LocalServer(lambda _: Answer(status)) as server:
        state.keep(f"hosts/{origin_of(server.url).replace(':', '_')}", before)
        with HttpGate([server.host], delay_s=0, limits=Limits(tries=1)) as gate:
            assert WebAccess(state).allowed(gate, f"{server.url}/a.nc") is (before == b"yes")
