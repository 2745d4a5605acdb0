"""A collection's copy with all times of a place together reads as xarray reads the originals, and is cheap."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from hashlib import sha256
from types import SimpleNamespace

import netCDF4
import numpy as np
import pytest
import xarray as xr

import iaos
from builder.build import Request, build
from builder.checks.references import check_references
from builder.definitions.load import load
from builder.enrich.combine import combine_in_order, take_apart
from builder.enrich.inspect import Inspector
from builder.enrich.references import make_references
from builder.enrich.timemajor import Piece, chunk_lengths, write_time_major
from builder.errors import DefinitionError, ReadingError, UnreferenceableError
from builder.gathering.timemajor import Keeper, Part
from builder.memory.state import open_state
from builder.reading.extract import plan
from builder.reading.query import query
from builder.serve import serve
from tests.servers.local import Answer, LocalServer

DEFINITION = """\
id: ice
title: Daily ice
description: Made by a test.
partner:
  id: test
  name: Test
license: CC-BY-4.0
source:
  type: files
  path: ice
  format: netcdf
policies:
  time_major: true
"""
ROWS, COLUMNS = 60, 50
PLACE = (float(np.linspace(-20, 60, COLUMNS)[30]), float(np.linspace(70, 88, ROWS)[20]))


def day(path, number, *, shift=0, kind="NETCDF4", steps=1, order="native"):
    """A day of packed ice with fill values, of errors as big-endian floats with depth, and of what has no time."""
    rng = np.random.default_rng(number + 1000 * shift)
    with netCDF4.Dataset(path, "w", format=kind) as file:
        for name, length in (("time", steps), ("depth", 2), ("lat", ROWS), ("lon", COLUMNS)):
            file.createDimension(name, length)
        for name, units, values in (
            ("time", "days since 2018-01-01", number + np.arange(steps) / steps),
            ("lat", "degrees_north", np.linspace(70, 88, ROWS)),
            ("lon", "degrees_east", np.linspace(-20, 60, COLUMNS)),
        ):
            file.createVariable(name, "f8", (name,)).units = units
            file[name].standard_name = {"time": "time", "lat": "latitude", "lon": "longitude"}[name]
            file[name][:] = values
        file.createVariable("depth", "f4", ("depth",)).setncatts({"units": "m", "positive": "down"})
        file["depth"][:] = [0, 10]
        packed = file.createVariable("ice", "i2", ("time", "lat", "lon"), fill_value=-999, zlib=kind == "NETCDF4")
        packed.setncatts({"scale_factor": np.float32(0.01), "add_offset": np.float32(0.5), "units": "1", "day": number})
        packed.set_auto_maskandscale(False)
        values = rng.integers(0, 100, (steps, ROWS, COLUMNS))
        values[:, :3, :] = -999
        packed[:] = values
        dtype = ">f4" if order == "big" else "f4"
        error = file.createVariable("error", dtype, ("depth", "time", "lat", "lon"), endian=order)
        error.missing_value = np.float32(-1)
        numbers = rng.random((2, steps, ROWS, COLUMNS), dtype="f4")
        numbers[0, 0, 5, 5], numbers[1, 0, 6, 6], numbers[1, 0, 7, 7] = -1, np.nan, -0.0
        error[:] = numbers
        file.createVariable("area", "f8", ("lat", "lon"))[:] = np.arange(ROWS * COLUMNS, dtype=float).reshape(ROWS, -1)
        file.title, file.day = "Ice", f"day {number}"


@pytest.fixture
def ice(tmp_path):
    (tmp_path / "collections" / "ice").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    for number in range(6):
        day(tmp_path / "collections/ice" / f"day{number}.nc", number)
    (tmp_path / "collections" / "ice.yaml").write_text(DEFINITION)
    with serve(tmp_path / "out") as server:
        yield tmp_path, server.url


def built(folder, url):
    report = build(Request(folder / "collections", folder / "out", folder / "state", base_url=url), lambda _: None)
    assert report.exit_status == 0, report.to_markdown()
    return report


def collection(folder):
    return json.loads((folder / "out/test/ice/collection.json").read_bytes())


def file_of(folder):
    (file,) = (folder / "out/test/ice/time-major").glob("*.nc")
    return file


def originals(folder, **options):
    return xr.open_mfdataset(
        sorted((folder / "collections/ice").glob("*.nc")), combine="nested", concat_dim="time", data_vars="minimal",
        coords="minimal", compat="override", combine_attrs="drop_conflicts", **options,
    )  # fmt: skip


@pytest.mark.parametrize("changes", [{}, {"kind": "NETCDF3_64BIT_OFFSET"}, {"steps": 3}, {"order": "big"}], ids=str)
def test_it_reads_as_xarray_reads_the_originals(ice, changes):
    folder, url = ice
    for number in range(6):
        day(folder / "collections/ice" / f"day{number}.nc", number, **changes)
    built(folder, url)
    for decode in (True, False):
        with originals(folder, mask_and_scale=decode) as wanted:
            with xr.open_dataset(file_of(folder), mask_and_scale=decode) as found:
                xr.testing.assert_identical(found.load(), wanted.load())
                assert found.ice.dtype == wanted.ice.dtype
            through = iaos.open(f"{url}test/ice/collection.json", time_major=True, mask_and_scale=decode)
            for name in wanted.variables:
                values = through[name].to_numpy()
                expected = wanted[name].to_numpy()
                if decode and name == "ice":  # JSON knows no 32-bit scale factor
                    np.testing.assert_allclose(values, expected, rtol=1e-6)
                else:
                    np.testing.assert_array_equal(values, expected)
                    np.testing.assert_array_equal(np.signbit(values) if name == "error" else 0,
                                                  np.signbit(expected) if name == "error" else 0)  # fmt: skip
    with netCDF4.Dataset(file_of(folder)) as file:
        steps = len(file.dimensions["time"])
        assert file["ice"].chunking()[0] == steps
        assert file["error"].chunking()[:2] == [1, steps]


def test_it_is_described_and_checked(ice):
    folder, url = ice
    built(folder, url)
    assets = collection(folder)["assets"]
    data, references = assets["time-major"], assets["time-major-references"]
    assert data["roles"] == ["data", "time-major"]
    assert data["file:size"] == references["iaos:source_size"] == file_of(folder).stat().st_size
    assert references["iaos:read_cost"]["series"]["requests"] == 1
    assert references["iaos:web_readable"] is True
    page = (folder / "out/test/ice/index.html").read_text()
    assert 'data-app="read"' in page
    assert "time-major/references.json" in page
    files = {f.relative_to(folder / "out").as_posix(): f for f in (folder / "out").rglob("*") if f.is_file()}

    def read(path):
        return files[path].read_bytes()

    assert list(check_references(read, files)) == []
    name = "test/ice/time-major/references.json"
    files[name].write_bytes(files[name].read_bytes().replace(b"/time-major/", b"/elsewhere/"))
    assert [found.code for found in check_references(read, files)] == ["references.unsafe"]


def test_it_is_made_anew_where_one_map_changes_and_not_otherwise(ice, monkeypatch):
    folder, url = ice
    built(folder, url)
    first, name = file_of(folder).read_bytes(), file_of(folder).name
    written = []
    write = Keeper._write
    monkeypatch.setattr(Keeper, "_write", lambda self, *given: written.append(given) or write(self, *given))
    assert not list(built(folder, url).plan)
    assert written == []
    day(folder / "collections/ice/day3.nc", 3, shift=1)
    built(folder, url)
    assert len(written) == 1
    assert file_of(folder).name != name
    with originals(folder) as wanted, xr.open_dataset(file_of(folder)) as found:
        xr.testing.assert_identical(found.load(), wanted.load())
    day(folder / "collections/ice/day3.nc", 3)
    built(folder, url)
    assert file_of(folder).read_bytes() == first
    (kept,) = (folder / "state").rglob("copies/time-major/ice.nc")
    kept.write_bytes(first[:-1])
    built(folder, url)
    assert len(written) == 3
    assert kept.read_bytes() == first
    said = kept.with_suffix(".json").read_bytes()
    kept.with_suffix(".json").write_bytes(said[:-9])
    built(folder, url)
    assert (len(written), kept.with_suffix(".json").read_bytes()) == (4, said)
    assert sorted(kept.parent.iterdir()) == [kept.with_suffix(".json"), kept], "nothing is left lying about"
    built(folder, f"{url}moved/")
    refs = json.loads((folder / "out/test/ice/time-major/references.json").read_bytes())["refs"].values()
    (target,) = {value[0] for value in refs if isinstance(value, list)}
    assert target.startswith(f"{url}moved/test/ice/time-major/")


def test_it_goes_with_the_policy(ice):
    folder, url = ice
    built(folder, url)
    (folder / "collections/ice.yaml").write_text(DEFINITION.replace("time_major: true", "time_major: false"))
    built(folder, url)
    assert "time-major" not in collection(folder)["assets"]
    assert not list((folder / "out/test/ice").glob("time-major/*"))
    assert not list((folder / "state").rglob("copies/time-major/*.nc"))
    with pytest.raises(ReadingError, match="no copy"):
        iaos.open(folder / "out/test/ice/collection.json", time_major=True)


@pytest.mark.parametrize("other", ["combine", "references"])
def test_it_needs_what_it_is_made_of(ice, other):
    folder, _ = ice
    file = folder / "collections/ice.yaml"
    file.write_text(DEFINITION + f"  {other}: false\n")
    with pytest.raises(DefinitionError, match="time_major"):
        load(file)


def test_without_an_address_or_where_nothing_stacks_a_finding_says_why(ice):
    folder, url = ice
    day(folder / "collections/ice/day6.nc", 5)
    report = built(folder, url)
    assert "no copy with all times of a place together: the granules do not stack" in report.to_markdown()
    assert "time-major" not in collection(folder)["assets"]


def test_a_series_is_read_from_the_copy_and_a_map_from_its_file(ice):
    folder, url = ice
    built(folder, url)
    source = f"{url}test/ice/collection.json"
    series = plan([source], query(point=PLACE, variables=["ice"]))
    assert "time-major" in series.cuts[0].opened.source.href
    assert series.cost.requests == 1
    one = plan([source], query(box=(-20.0, 70.0, 60.0, 88.0), time="2018-01-03", variables=["ice"]))
    assert "time-major" not in one.cuts[0].opened.source.href
    found = iaos.extract(source, point=PLACE, variables=["ice"])
    with originals(folder) as wanted:
        place = wanted.ice[:, 20, 30]
        np.testing.assert_allclose(found.ice.to_numpy().ravel(), place.to_numpy(), rtol=1e-6)


@pytest.fixture
def partner(ice):
    """The same files on a partner's server, with what it was asked for."""
    folder, url = ice
    files = {f"/{file.name}": file for file in (folder / "collections/ice").iterdir()}

    def answer(request):
        if request.path == "/":
            links = "".join(f'<a href="{name[1:]}">{name[1:]}</a>' for name in sorted(files))
            return Answer(body=f"<html><body>{links}</body></html>".encode(), headers={"Content-Type": "text/html"})
        body = files[request.path].read_bytes()
        head = {"ETag": f'"{sha256(body).hexdigest()[:8]}"', "Content-Type": "application/netcdf"}
        return Answer(body=b"" if request.method == "HEAD" else body, headers=head, declared=len(body))

    with LocalServer(answer) as server:
        source = f"  type: files\n  url: {server.url}/\n  delay_s: 0\n"
        text = DEFINITION.replace("  type: files\n  path: ice\n", source)
        (folder / "collections/ice.yaml").write_text(text)
        yield folder, url, server


def fetched(server):
    """Which files were fetched; small ones are sent whole whatever part is asked for."""
    whole = [one for one in server.requests if one.method == "GET" and "origin" not in one.headers]
    return sorted(one.path for one in whole if one.path != "/")


def test_of_a_partner_only_changed_files_and_the_first_are_fetched(partner):
    folder, url, server = partner
    built(folder, url)
    assert len(file_of(folder).read_bytes()) > 0
    server.requests.clear()
    built(folder, url)
    assert fetched(server) == []
    day(folder / "collections/ice/day4.nc", 4, shift=1)
    built(folder, url)
    assert fetched(server) == ["/day0.nc", "/day4.nc", "/day4.nc"]  # the first for types, day 4 to inspect and to copy
    with originals(folder) as wanted, xr.open_dataset(file_of(folder)) as found:
        xr.testing.assert_identical(found.load(), wanted.load())
    changed = file_of(folder).read_bytes()
    shutil.rmtree(folder / "state" / "copies")
    built(folder, url)
    assert file_of(folder).read_bytes() == changed, "taken over or made anew, the bytes are the same"


def test_a_file_that_is_gone_when_it_is_wanted_leaves_the_copy_out(partner, monkeypatch):
    folder, url, _ = partner
    monkeypatch.setattr("builder.gathering.stack.MAX_BYTES", 100)
    report = build(Request(folder / "collections", folder / "out", folder / "state", base_url=url), lambda _: None)
    assert "no copy with all times of a place together" in report.to_markdown()
    assert "time-major" not in collection(folder)["assets"]
    assert "references" in collection(folder)["assets"]


def test_harm_to_the_child_is_a_finding(ice, monkeypatch):
    folder, _ = ice
    path = folder / "collections/ice/day0.nc"
    names = ("day0.nc", "day1.nc")

    def part(file):
        @contextmanager
        def given():
            yield file

        return Part("day0", "v", 1, given)

    whole = combine_in_order(
        [(name, make_references(folder / f"collections/ice/{name}", "hdf5", name)[0]) for name in names]
    )[0].body
    (folder / "bad.nc").write_bytes(b"<html>")
    other = folder / "other.nc"
    day(other, 0, steps=2)
    with open_state(folder / "other-state") as state, Inspector() as inspector:
        keeper = Keeper(state, "ice")
        for file, reason in ((folder / "bad.nc", "web page"), (other, "another type or shape")):
            with pytest.raises(UnreferenceableError, match=reason):
                keeper.of([part(file), part(path)], "k", whole, str, inspector)
        with monkeypatch.context() as full:
            full.setattr("builder.gathering.timemajor.shutil.disk_usage", lambda _: SimpleNamespace(free=10))
            with pytest.raises(UnreferenceableError, match="no room on the disk"):
                keeper.of([part(path), part(path)], "k", whole, str, inspector)
        monkeypatch.setattr("builder.gathering.timemajor.SILENCE_S", 0.001)
        with pytest.raises(UnreferenceableError, match="no progress"):
            keeper.of([part(path), part(path)], "k", whole, str, inspector)
        monkeypatch.setattr("builder.gathering.timemajor.MAX_VALUES_BYTES", 1000)
        with pytest.raises(UnreferenceableError, match="more than a copy may hold"):
            keeper.of([part(path), part(path)], "k", whole, str, inspector)
        left = list((folder / "other-state").rglob("copies/*/*"))
        assert left == []


@pytest.mark.parametrize(
    ("shape", "axis", "size", "expected"),
    [
        ((365, 1120, 760), 0, 4, (365, 19, 18)),  # 359 places of 1460 bytes are 512 KiB
        ((365, 33, 1120, 760), 0, 4, (365, 1, 19, 18)),
        ((1120, 760, 365), 2, 4, (19, 18, 365)),
        ((100_000, 50, 60), 0, 4, (8192, 4, 4)),
        ((365, 3, 4000), 0, 4, (365, 3, 119)),
        ((5000,), 0, 8, (4096,)),
        ((10, 5, 5), 0, 2, (10, 5, 5)),
    ],
)
def test_chunks_are_long_in_time_and_half_a_megabyte_at_most(shape, axis, size, expected):
    assert chunk_lengths(shape, axis, size) == expected


def test_steps_of_the_copy_before_are_counted_by_the_lengths_of_its_granules(tmp_path, monkeypatch):
    asked = []

    def run(path, _):
        asked.append(json.loads(path.read_bytes()))
        (path.parent / "copy.nc").write_bytes(b"made")

    monkeypatch.setattr("builder.gathering.timemajor._run", run)
    parts = [
        Part(name, version, length, None) for name, version, length in (("c", "3", 4), ("b", "2", 3), ("d", "9", 1))
    ]
    with open_state(tmp_path / "state") as state:
        path = Keeper(state, "x")._write(parts, b'{"refs": {}}', [("1", 2), ("2", 3), ("3", 4)])
        assert path.read_bytes() == b"made"
    assert asked[0]["pieces"] == [["c", 4, 5], ["b", 3, 2], ["d", 1, None]]


def test_a_copy_without_references_is_not_kept(tmp_path, monkeypatch):
    path = tmp_path / "copy.part"
    path.write_bytes(b"made")
    monkeypatch.setattr(Keeper, "_write", lambda *_: path)
    inspector = SimpleNamespace(inspect=lambda *_: SimpleNamespace(references=None, findings=()))
    with open_state(tmp_path / "state") as state, pytest.raises(UnreferenceableError, match="no references"):
        Keeper(state, "x").of([], "k", b"", str, inspector)
    assert not path.exists()


def times(path, first, steps):
    """Steps of two places; each holds its own time, and a chunk of its own."""
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        file.createDimension("place", 2)
        file.createVariable("time", "f8", ("time",)).units = "days since 2018-01-01"
        file["time"][:] = first + np.arange(steps)
        values = file.createVariable("t", "f4", ("time", "place"), zlib=True, chunksizes=(1, 2))
        values[:] = np.repeat(first + np.arange(steps), 2).reshape(-1, 2)
        values.valid_range = np.array([first, first + steps], "f4")
        names = file.createVariable("cast", "S1", ("time", "place"))
        names[:] = np.array([[str(first), str(step)] for step in range(steps)], "S1")


def test_steps_behind_the_end_of_the_new_copy_are_taken_from_the_one_before(tmp_path):
    paths = {name: tmp_path / f"{name}.nc" for name in "abc"}
    for name, first, steps in (("a", 0, 1), ("b", 1, 1), ("c", 2, 2)):
        times(paths[name], first, steps)

    def write(target, pieces, before=None):
        scratch = tmp_path / f"{target}-scratch"
        scratch.mkdir()
        parts = [(piece.name, make_references(paths[piece.name], "hdf5", piece.name)[0]) for piece in pieces]
        whole = take_apart("", json.loads(combine_in_order(parts)[0].body)["refs"])
        given = (lambda number: paths[pieces[number].name]), (lambda: None)
        write_time_major(whole, pieces, tmp_path / target, scratch, before, *given)
        return tmp_path / target

    first = write("first.nc", [Piece("a", 1), Piece("b", 1), Piece("c", 2)])
    second = write("second.nc", [Piece("b", 1, 1), Piece("c", 2, 2)], first)
    with netCDF4.Dataset(second) as file:
        assert file["t"][:].tolist() == [[1, 1], [2, 2], [3, 3]]
        assert (file["t"].valid_range.tolist(), file["t"].valid_range.dtype) == ([1, 4], "f4")
        assert file["cast"][:].tolist() == [[b"1", b"0"], [b"2", b"0"], [b"2", b"1"]]
