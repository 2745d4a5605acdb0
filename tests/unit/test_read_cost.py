"""What reads cost, counted by hand, and which hosts let pages read."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest

from builder.checked import forget_checks
from builder.enrich.guard import file_kind
from builder.enrich.references import build_references
from builder.errors import FetchError
from builder.references.readcost import read_costs
from builder.serve import file_app, running
from builder.sources.http import HttpGate
from builder.sources.webaccess import WebAccess
from builder.state import State

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
