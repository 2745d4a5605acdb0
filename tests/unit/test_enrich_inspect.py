"""Inspection survives hostile files, says what is wrong with them, and goes on with the next."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime

import h5py
import netCDF4
import numpy as np
import pytest

from builder.enrich.guard import UnsafeFileError, check_hdf5, file_kind
from builder.enrich.inspect import KILLED, Inspector, inspect

HREF = "https://example.org/file.nc"


@pytest.fixture(scope="module")
def inspector():
    with Inspector(timeout_s=30) as running:
        yield running


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 3)
        file.createVariable("v", "f4", ("x",))[:] = [1, 2, 3]
        file.title = "Good"
    return path


@pytest.mark.parametrize(
    ("case", "code", "words"),
    [
        ("nc-external-link", "netcdf.unsafe", "external link"),
        ("nc-external-storage", "netcdf.unsafe", "external file"),
        ("nc-group-cycle", "netcdf.unsafe", "cycle"),
        ("nc-truncated", "netcdf.unreadable", "cannot be opened"),
    ],
)
def test_unsafe_file_is_named_and_left_closed(shared_data, inspector, good, case, code, words):
    found = inspector.inspect(shared_data / "hostile" / case / "bad.nc", HREF)
    assert not found.readable
    assert found.references is None
    (finding,) = found.findings
    assert finding.code == code
    assert words in finding.message
    assert finding.where == HREF
    assert inspector.inspect(good, HREF).references is not None


def test_eight_declared_terabytes_have_a_header_but_no_references(shared_data, inspector):
    found = inspector.inspect(shared_data / "hostile" / "nc-declared-8tb" / "bad.nc", HREF)
    assert b'length="' in found.ncml
    assert found.references is None
    assert "8000000000080 bytes" in found.findings[0].message


def test_markup_in_attributes_stays_text(shared_data, inspector):
    found = inspector.inspect(shared_data / "hostile" / "nc-attr-html" / "bad.nc", HREF)
    assert found.readable
    assert b"<script" not in found.ncml


@pytest.mark.parametrize("number", range(3))
def test_file_that_kills_the_library_kills_no_more(shared_data, inspector, good, number):
    found = inspector.inspect(shared_data / "hostile" / "nc-mutants-crash" / f"m{number}.nc", HREF)
    assert found.findings
    assert found.findings[0].code in {"netcdf.crashed", "netcdf.unreadable", "netcdf.failed"}
    assert inspector.inspect(good, HREF).references is not None


def test_what_netcdf_c_cannot_index_costs_the_references_alone(tmp_path, inspector):
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        for group, length in ((file, 5), (file.create_group("g"), 17)):
            group.create_dataset("y", data=np.arange(length), maxshape=(None,), chunks=(512,)).make_scale("y")
        short = file.create_dataset("short", (5,), chunks=(5,), data=np.arange(5.0))
        short.dims[0].attach_scale(file["y"])
        file["g/linked"] = h5py.SoftLink("/short")
    found = inspector.inspect(tmp_path / "linked.h5", HREF)
    assert [finding.code for finding in found.findings] == ["netcdf.no-references"]
    assert "index exceeds dimension bounds" in found.findings[0].message


def test_file_that_hangs_the_library_is_given_up(shared_data, good):
    with Inspector(timeout_s=2) as hurried:
        for number in (0, 3):
            found = hurried.inspect(shared_data / "hostile" / "nc-mutants-hang" / f"m{number}.nc", HREF)
            assert found.findings[0].code in {"netcdf.timeout", "netcdf.unreadable", "netcdf.failed"}
        assert hurried.inspect(good, HREF, references=False).readable


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html>Log in</html>", "web page"),
        (b"", "empty"),
        (b"\n  <?xml version='1.0'?><x/>", "web page"),
        (b"PK\x03\x04zip", "not a NetCDF"),
        (b"CDF\x07", "not a NetCDF"),
    ],
)
def test_something_else_named_nc(tmp_path, inspector, body, words):
    path = tmp_path / "x.nc"
    path.write_bytes(body)
    found = inspector.inspect(path, HREF)
    assert found.findings[0].code == "netcdf.not-netcdf"
    assert words in found.findings[0].message


def test_kinds_by_their_first_bytes(tmp_path, good):
    assert file_kind(good) == "hdf5"
    path = tmp_path / "userblock.nc"
    path.write_bytes(bytes(1024) + good.read_bytes())
    assert file_kind(path) == "hdf5"
    for byte, kind in ((1, "netcdf3"), (2, "netcdf3"), (5, "netcdf3-64bit-data")):
        path.write_bytes(b"CDF" + bytes([byte]) + bytes(100))
        assert file_kind(path) == kind


def test_virtual_dataset_and_links_are_refused(tmp_path):
    import h5py

    path = tmp_path / "virtual.nc"
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((3,), "f4")
        layout[:] = h5py.VirtualSource("/etc/hostname", "v", (3,))
        file.create_virtual_dataset("v", layout)
    with pytest.raises(UnsafeFileError, match="virtual dataset"):
        check_hdf5(path)
    with h5py.File(path, "w") as file:
        file["gone"] = h5py.SoftLink("/nowhere")
    with pytest.raises(UnsafeFileError, match="leads nowhere"):
        check_hdf5(path)


def test_child_may_not_write_and_the_parent_learns_nothing_local(tmp_path, good):
    found = inspect(good, HREF)
    assert found.references is not None
    assert str(tmp_path).encode() not in found.ncml + found.references
    assert found.size == good.stat().st_size
    assert len(found.sha256) == 64


def test_missing_file_is_the_callers_error(tmp_path, inspector):
    with pytest.raises(FileNotFoundError):
        inspector.inspect(tmp_path / "none.nc", HREF)


def test_too_little_memory_is_a_finding(tmp_path):
    path = tmp_path / "large.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 60_000_000)
        file.createVariable("v", "f4", ("x",), zlib=True, chunksizes=(60_000_000,))[:] = np.zeros(60_000_000, "f4")
    with Inspector(memory_bytes=64 << 20) as small:
        found = small.inspect(path, HREF)
    assert found.readable
    assert found.references is None
    assert found.findings


def test_child_ends_with_its_inspector(good):
    with Inspector() as running:
        running.inspect(good, HREF, references=False)
        process = running._child.pid
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.parametrize("often", [1, 2])
def test_a_child_that_the_machine_kills_says_nothing_of_the_file(good, monkeypatch, often):
    def start(self):
        started(self)
        killed.append(self._child.pid)
        if len(killed) <= often:
            os.kill(self._child.pid, signal.SIGKILL)

    quiet, started, killed = inspect(good, HREF), Inspector._start, []
    monkeypatch.setattr(Inspector, "_start", start)
    with Inspector() as running:
        found = running.inspect(good, HREF)
        assert found == quiet if often == 1 else [one.code for one in found.findings] == [KILLED]
        assert running.inspect(good, HREF) == quiet


def test_a_child_that_ends_before_it_is_asked_ends_nothing_else(good, monkeypatch):
    def start(self):
        started(self)
        if not killed:
            killed.append(self._child.pid)
            os.kill(self._child.pid, signal.SIGKILL)
            os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT)

    quiet, started, killed = inspect(good, HREF), Inspector._start, []
    monkeypatch.setattr(Inspector, "_start", start)
    assert inspect(good, HREF) == quiet


def test_a_child_that_cannot_start_says_nothing_of_the_file(good, monkeypatch):
    monkeypatch.setattr("builder.enrich.inspect.environment", lambda: {"PYTHONHOME": "/nowhere"})
    assert [one.code for one in inspect(good, HREF).findings] == [KILLED]


def test_two_looks_are_alike(good):
    assert inspect(good, HREF) == inspect(good, HREF)


def place(tmp_path, build, **attributes):
    path = tmp_path / "place.nc"
    with netCDF4.Dataset(path, "w") as file:
        build(file)
        file.setncatts(attributes)
    return path


def axis(file, name, dims, values, **attributes):
    for dim, size in zip(dims, np.shape(values), strict=True):
        if dim not in file.dimensions:
            file.createDimension(dim, size)
    file.createVariable(name, "f8", dims, fill_value=attributes.pop("fill", None))[...] = values
    file[name].setncatts(attributes)


def latlon(file, lat, lon, dims=("lat", "lon")):
    axis(file, "lat", dims[:1], lat, standard_name="latitude", units="degrees_north")
    axis(file, "lon", dims[1:], lon, standard_name="longitude", units="degrees_east")


def test_grid_of_0_to_360_goes_round_the_globe(tmp_path, inspector):
    path = place(tmp_path, lambda file: latlon(file, [60, 70, 80], np.arange(0, 360, 2.5)))
    assert inspector.inspect(path, HREF).coverage.boxes == ((-180.0, 60.0, 180.0, 80.0),)


def test_grid_across_the_date_line(tmp_path, inspector):
    path = place(tmp_path, lambda file: latlon(file, [60, 70], np.arange(170, 191, 1.0)))
    assert inspector.inspect(path, HREF).coverage.boxes == ((170.0, 60.0, -170.0, 70.0),)


def test_profiles_are_points_and_depths_go_down(tmp_path, inspector):
    def build(file):
        latlon(file, [70, 71, 71], [20, 21, 21], ("profile", "profile"))
        axis(file, "depth", ("z",), [0, 10, 500], units="m", positive="down")
        axis(file, "time", ("profile",), [0, 1.5, 2], units="days since 2020-02-28", calendar="standard")

    found = inspector.inspect(place(tmp_path, build, featureType="profile"), HREF).coverage
    assert found.geometry == {"type": "MultiPoint", "coordinates": [[20.0, 70.0], [21.0, 71.0]]}
    assert found.vertical == (-500.0, 0.0, "m")
    assert (found.start, found.end) == (datetime(2020, 2, 28, tzinfo=UTC), datetime(2020, 3, 1, tzinfo=UTC))


def test_trajectory_is_a_line_in_its_order(tmp_path, inspector):
    path = place(
        tmp_path, lambda file: latlon(file, [70, 72, 71], [20, 19, 18], ("obs", "obs")), featureType="trajectory"
    )
    line = inspector.inspect(path, HREF).coverage.geometry
    assert line == {"type": "LineString", "coordinates": [[20.0, 70.0], [19.0, 72.0], [18.0, 71.0]]}


def test_positions_of_their_own_dimensions_are_no_grid(tmp_path, inspector):
    # as in the IMR yearly CTD files: LATITUDE(LATITUDE), LONGITUDE(LONGITUDE), TEMP(TIME, DEPTH)
    def build(file):
        latlon(file, [70, 71], [20, 30], ("LATITUDE", "LONGITUDE"))
        axis(file, "TIME", ("TIME",), [1, 2], units="days since 1950-01-01")

    path = place(tmp_path, build)
    points = inspector.inspect(path, HREF).coverage.geometry
    assert points == {"type": "MultiPoint", "coordinates": [[20.0, 70.0], [30.0, 71.0]]}


@pytest.mark.parametrize(
    ("calendar", "value", "day"),
    [("noleap", 59.0, (2001, 3, 1)), ("360_day", 58.0, (2001, 2, 29)), ("360_day", 30.0, (2001, 2, 1))],
)
def test_model_calendars_only_where_the_date_exists(tmp_path, inspector, calendar, value, day):
    path = place(
        tmp_path, lambda f: axis(f, "time", ("time",), [value], units="days since 2001-01-01", calendar=calendar)
    )
    found = inspector.inspect(path, HREF)
    if day == (2001, 2, 29):
        assert found.coverage.start is None
        assert found.findings[0].code == "netcdf.time-unread"
    else:
        assert found.coverage.start == datetime(*day, tzinfo=UTC)


def test_a_date_that_no_reader_of_cf_knows_is_told_in_words(tmp_path, inspector):
    path = place(tmp_path, lambda f: axis(f, "time", ("time",), [5.0], units="seconds since launch"))
    (said,) = [one for one in inspector.inspect(path, HREF).findings if one.code == "netcdf.time-unread"]
    assert said.message == "5 seconds since launch (standard): Unable to parse date string 'launch'"


def test_polar_grid_is_read_from_its_stated_system(shared_data, inspector):
    # PROVENANCE.md: EPSG:3411, transform (25000,0,-3850000,0,-25000,5850000); straight_vertical_longitude is wrong
    path = shared_data / "science/netcdf/seaice/seaice_conc_daily_nh_20211231_f17_v04r00.nc"
    found = inspector.inspect(path, HREF)
    assert found.projection.code == "EPSG:3411"
    assert found.projection.transform == (25000.0, 0.0, -3850000.0, 0.0, -25000.0, 5850000.0)
    assert found.projection.shape == (448, 304)
    assert found.coverage.start == datetime(2021, 12, 31, tzinfo=UTC)


def test_header_names_dimensions_variables_and_groups(tmp_path, inspector):
    from lxml import etree

    def build(file):
        file.createDimension("time", None)
        file.createGroup("inner").createVariable("v", "u2", ("time",)).flags = np.array([1, 2], "i2")
        file.createVariable("name", str, ())

    root = etree.fromstring(inspector.inspect(place(tmp_path, build, note="a\x00b\x07"), HREF).ncml)
    ns = {"n": "http://www.unidata.ucar.edu/namespaces/netcdf/ncml-2.2"}
    assert root.xpath("string(n:dimension/@isUnlimited)", namespaces=ns) == "true"
    assert root.xpath("string(n:group[@name='inner']/n:variable/@type)", namespaces=ns) == "ushort"
    assert root.xpath("string(//n:attribute[@name='flags']/@value)", namespaces=ns) == "1 2"
    assert root.xpath("string(n:variable[@name='name']/@type)", namespaces=ns) == "String"
    assert root.get("location") == HREF


def test_text_in_another_encoding_is_read_all_the_same(tmp_path, inspector):
    from scipy.io import netcdf_file

    with netcdf_file(tmp_path / "latin.nc", "w") as file:
        file.createDimension("x", 2)
        file.createVariable("v", "f4", ("x",))[:] = [1, 2]
        file.ship = "Håkon Mosby".encode("latin-1")
    found = inspector.inspect(tmp_path / "latin.nc", HREF)
    assert found.references is not None
    assert b"kon Mosby" in found.ncml


def test_message_names_no_local_folder(tmp_path, inspector):
    path = tmp_path / "half.nc"
    path.write_bytes(b"CDF\x01" + bytes(10))
    found = inspector.inspect(path, HREF)
    assert found.findings
    assert str(tmp_path) not in str(found.findings)
