"""Remote files are looked into by few requests, remade when they change, and never read past what was fetched."""

from __future__ import annotations

import base64
import errno
import gzip
import hashlib
import itertools
import os
import struct
from contextlib import suppress
from dataclasses import replace

import h5py
import netCDF4
import numpy as np
import orjson
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.datafiles.inspections import Inspections
from builder.dataset import Dataset, Resource
from builder.definitions.model import CollectionDefinition
from builder.enrich.correct import correct
from builder.enrich.inspect import Inspector
from builder.enrich.translate import translate
from builder.enrich.verify import same_values
from builder.errors import FetchError, UnreferenceableError
from builder.memory.checked import forget_checks
from builder.memory.state import State
from builder.references.btree import UnknownIndexError, walk
from builder.references.netcdf3 import scan_netcdf3
from builder.references.objectheader import chunk_index
from builder.references.partial import PartialFile
from builder.sources.http import HttpGate
from builder.sources.limits import HEAD
from builder.sources.protocol import Record
from builder.sources.ranges import RangedFile, Version, version_of
from tests.servers.local import Answer, LocalServer
from tests.servers.ranged import ranged
from tests.servers.troubled import files_of


@pytest.fixture(scope="module")
def inspector():
    with Inspector() as running:
        yield running


def casts(path, count=1500, seed=1):
    """A year of casts as netCDF-C writes them, 11 MB in 1,500 chunks."""
    random = np.random.default_rng(seed)
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("TIME", None)
        file.createDimension("DEPTH", 1000)
        file.createDimension("n", 3)
        file.createVariable("TIME", "f8", ("TIME",)).units = "days since 1950-01-01"
        file["TIME"][:] = np.arange(count)
        for name, units in (("LATITUDE", "degrees_north"), ("LONGITUDE", "degrees_east")):
            file.createVariable(name, "f4", ("TIME",)).units = units
            file[name][:] = random.random(count) * 60
        file.createVariable("ship", str, ("n",))[:] = np.array(["Håkon Mosby", "", "G.O. Sars"], object)
        for number in range(2):
            variable = file.createVariable(f"P{number}", "f4", ("TIME", "DEPTH"), zlib=True, chunksizes=(2, 1000))
            for attribute in range(12):  # more than eight are kept densely, in a heap
                variable.setncattr(f"a{attribute}", "text")
            variable[:] = random.random((count, 1000))
    return path


def gate(base, **options):
    return HttpGate([base.removeprefix("http://")], delay_s=0, connections=16, **options)


def parts_of(inspector, base, name, folder):
    with gate(base) as opened:
        remote = RangedFile.found(opened, f"{base}/{name}")
        target = folder / "sparse"
        with target.open("wb") as sparse:
            sparse.truncate(remote.version.size)
        return inspector.inspect_parts(target, f"{base}/{name}", lambda ranges: remote.fetch(ranges, target))


def metadata_bytes(path):
    """Everything in an HDF5 file that is no chunk."""
    sizes = []
    with h5py.File(path) as file:
        for dataset in file.values():
            if dataset.chunks:
                dataset.id.chunk_iter(lambda chunk: sizes.append(chunk.size))
    return path.stat().st_size - sum(sizes)


def test_parts_of_a_remote_file_tell_the_same_as_all_of_it(tmp_path, inspector):
    path = casts(tmp_path / "casts.nc")
    with ranged(tmp_path) as (base, log):
        remote = parts_of(inspector, base, "casts.nc", tmp_path)
    whole = inspector.inspect(path, f"{base}/casts.nc")
    assert whole.references is not None
    for name in ("references", "parquet", "ncml", "coverage", "combine_key", "findings", "size"):
        assert getattr(remote, name) == getattr(whole, name), name
    sent, few = sum(length for _, _, length in log), 8 * 5 * 4000  # coordinates and three chunks each are read too
    assert sent <= 3 * metadata_bytes(path) + 256 * 1024 + few
    assert sent < path.stat().st_size / 4


def test_a_disk_without_room_for_a_part_does_not_spoil_the_next_file(tmp_path):
    path = casts(tmp_path / "casts.nc", 20)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(path.stat().st_size)
    with Inspector() as inspector:
        with pytest.raises(OSError, match="No space"):
            inspector.inspect_parts(tmp_path / "sparse", "https://a.example/full.nc", full)
        found = inspector.inspect(path, "https://a.example/casts.nc")
    assert [finding.message for finding in found.findings] == []
    assert b"https://a.example/casts.nc" in found.references


def test_classic_file_by_parts(tmp_path, inspector):
    path = tmp_path / "classic.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET") as file:
        file.createDimension("time", None)
        file.createDimension("x", 50_000)
        file.createVariable("time", "f8", ("time",)).units = "days since 2000-01-01"
        file.createVariable("v", "f4", ("time", "x"))[:] = np.arange(3_000_000.0).reshape(60, -1)
        file["time"][:] = np.arange(60)
    with ranged(tmp_path) as (base, log):
        remote = parts_of(inspector, base, "classic.nc", tmp_path)
    assert remote.references == inspector.inspect(path, f"{base}/classic.nc").references
    assert sum(length for _, _, length in log) < path.stat().st_size / 4


def test_server_without_ranges_is_noticed(tmp_path):
    (tmp_path / "x.nc").write_bytes(bytes(HEAD + 1))
    (tmp_path / "small.nc").write_bytes(bytes(HEAD))
    with ranged(tmp_path, ranges=False) as (base, _), gate(base) as opened:
        assert RangedFile.found(opened, f"{base}/x.nc") is None
        small = RangedFile.found(opened, f"{base}/small.nc")
        assert (len(small.head), small.version.size) == (HEAD, HEAD)
        with pytest.raises(FetchError, match="404"):
            RangedFile.found(opened, f"{base}/none.nc")


def test_file_that_changes_while_it_is_read(tmp_path):
    path, target = tmp_path / "x.nc", tmp_path / "sparse"
    path.write_bytes(bytes(HEAD + 100))
    target.write_bytes(bytes(HEAD + 100))
    with ranged(tmp_path) as (base, _), gate(base) as opened:
        remote = RangedFile.found(opened, f"{base}/x.nc")
        remote.fetch([(0, 10), (HEAD, 10)], target)
        path.write_bytes(b"1" * (HEAD + 100))
        with pytest.raises(FetchError, match="changed"):
            remote.fetch([(HEAD - 5, 10)], target)
        assert version_of(opened, f"{base}/x.nc").differs(remote.version)
    assert not Version(1, None, "a").differs(Version(None, "b", "a"))


def inspections(base, folder, inspector, opened):
    definition = CollectionDefinition.model_validate(
        {
            "id": "ctd", "title": "CTD", "description": "Casts", "partner": {"id": "imr", "name": "IMR"},
            "source": {"type": "files", "url": f"{base}/"},
        }
    )  # fmt: skip
    return Inspections(
        definition, State(folder / "state", folder / "overlay", folder / "state"), inspector, opened, folder
    )


@pytest.mark.parametrize("count", [100, 1500], ids=["fetched whole", "by parts"])
def test_reference_is_remade_when_its_file_changes_and_dropped_when_it_goes(tmp_path, inspector, count):
    path = casts(tmp_path / "a.nc", count)
    with ranged(tmp_path) as (base, log), gate(base) as opened:
        dataset = Dataset("a", resources=(Resource("data", f"{base}/a.nc", roles=("data",)),))
        record = Record("a", "file", b"{}", "application/json", f"{base}/a.nc")
        looking = inspections(base, tmp_path, inspector, opened)
        first, _ = looking.of(dataset, record)
        assert first.references is not None
        assert first.source()["iaos:source_size"] == path.stat().st_size
        assert first.source()["iaos:source_etag"] == version_of(opened, f"{base}/a.nc").etag
        log.clear()
        assert looking.of(dataset, record)[0] == first
        assert log == []
        forget_checks(looking.state)
        assert looking.of(dataset, record)[0] == first
        assert [method for method, _, _ in log] == ["HEAD"]
        (remembered,) = (file for file in (tmp_path / "state/inspections").rglob("*") if file.is_file())
        for damaged in (b"", b"[]", remembered.read_bytes()[:-9]):
            remembered.write_bytes(damaged)
            assert looking.of(dataset, record)[0] == first
        forget_checks(looking.state)
        casts(path, count, seed=2)
        second, _ = looking.of(dataset, record)
        assert second.source()["iaos:source_etag"] != first.source()["iaos:source_etag"]
        assert second.references not in {first.references, None}
        path.unlink()
        forget_checks(looking.state)
        log.clear()
        for _ in range(2):
            gone, findings = looking.of(dataset, record)
            assert (gone.references, gone.coverage) == (None, second.coverage)
            assert "404" in findings[0].message
        assert log == []


@pytest.mark.parametrize("ranges", [True, False], ids=["in ranges", "whole"])
@pytest.mark.parametrize(("count", "requests"), [(20, 1), (100, 2)], ids=["small", "larger"])
def test_a_small_file_takes_one_request_and_one_pause(tmp_path, inspector, count, requests, ranges):
    path = casts(tmp_path / "a.nc", count)
    assert (path.stat().st_size > HEAD) == (requests == 2)
    pauses = []
    with ranged(tmp_path, ranges=ranges) as (base, log):
        opened = HttpGate([base.partition("://")[2]], delay_s=30, sleep=pauses.append)
        looking = inspections(base, tmp_path, inspector, opened)
        looking._access.allowed = lambda *_: False  # which is asked for once for all files of a host
        dataset = Dataset("a", resources=(Resource("data", f"{base}/a.nc", roles=("data",)),))
        for number in range(3):
            found, _ = looking.of(dataset, Record(f"a{number}", "file", b"%d" % number, "application/json", ""))
            assert found.references is not None
            assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
            assert found.etag is not None
    assert len([method for method, _, sent in log if sent]) == 3 * requests
    assert len(pauses) == 2  # between three files
    assert all(29 < pause <= 30 for pause in pauses)


def nights(tmp_path, inspector, answers, count):
    """Look into a file in three runs; yield what was found, and by which methods it was asked for."""
    casts(tmp_path / "a.nc", count)
    files = files_of(tmp_path)
    with (
        LocalServer(lambda request: answers(request, files(replace(request, method="GET")))) as server,
        gate(server.url) as opened,
    ):
        looking = inspections(server.url, tmp_path, inspector, opened)
        looking._access.allowed = lambda *_: False
        dataset = Dataset("a", resources=(Resource("data", f"{server.url}/a.nc", roles=("data",)),))
        for _ in range(3):
            server.requests.clear()
            found, _ = looking.of(dataset, Record("a", "file", b"{}", "application/json", ""))
            forget_checks(looking.state)
            yield found, [request.method for request in server.requests]


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
@pytest.mark.parametrize(("count", "noticed"), [(20, 1), (1500, 0)], ids=["small", "large"])
def test_what_a_server_says_otherwise_with_each_answer_is_no_version(tmp_path, inspector, header, count, noticed):
    number = itertools.count()

    def answers(_, answer):
        kept = {key: value for key, value in answer.headers.items() if key not in {"ETag", "Last-Modified"}}
        return replace(answer, headers=kept | {header: f'"{next(number)}"'})

    found = list(nights(tmp_path, inspector, answers, count))
    assert all(one.references is not None for one, _ in found)
    assert [(one.etag, one.last_modified) for one, _ in found[noticed:]] == [(None, None)] * (3 - noticed)
    assert found[2][1] == ["HEAD"]


PARTS = {
    "another part": lambda part: replace(part, headers=part.headers | {"Content-Range": "bytes 5-9/99"}),
    "less": lambda part: replace(part, body=part.body[:-1]),
    "more": lambda part: replace(part, body=part.body + b"x"),
    "the whole file": lambda part: replace(part, status=200, body=part.body * 9),
    "refusal": lambda _: Answer(403),
}


@pytest.mark.parametrize("wrong", PARTS.values(), ids=PARTS)
def test_a_file_whose_parts_come_otherwise_is_fetched_whole(tmp_path, inspector, wrong):
    def answers(request, answer):
        return wrong(answer) if request.headers.get("range", "bytes=0-")[:8] != "bytes=0-" else answer

    found = list(nights(tmp_path, inspector, answers, 1500))
    assert found[0][0].references is not None
    assert [asked for _, asked in found[1:]] == [["HEAD"]] * 2


@pytest.mark.parametrize("status", [400, 403, 405, 416, 501])
def test_a_file_whose_parts_are_refused_is_fetched_whole(tmp_path, inspector, status):
    found = list(nights(tmp_path, inspector, lambda r, file: Answer(status) if "range" in r.headers else file, 20))
    assert [one.references is None for one, _ in found] == [False] * 3


@pytest.mark.parametrize("count", [20, 1500], ids=["small", "large"])
def test_a_file_that_its_server_packs_whatever_is_asked_for_has_no_references(tmp_path, inspector, count):
    """So does nginx with `gzip_static always`; a part of the packed file is no part of the file."""

    def answers(request, _):
        whole = gzip.compress((tmp_path / request.path[1:]).read_bytes(), 1)
        return Answer(200, {"Content-Encoding": "gzip", "ETag": '"packed"'}, whole)

    found = list(nights(tmp_path, inspector, answers, count))
    assert [(one.readable, one.references, one.size) for one, _ in found] == [
        (True, None, (tmp_path / "a.nc").stat().st_size)
    ] * 3
    assert "packs it (gzip)" in found[0][0].findings[-1].message
    assert [asked for _, asked in found[1:]] == [["HEAD"]] * 2


def test_a_file_is_asked_for_again_only_when_the_run_has_ended_or_the_day(tmp_path, inspector, monkeypatch):
    casts(tmp_path / "a.nc", 100)
    with ranged(tmp_path) as (base, log), gate(base) as opened:
        dataset = Dataset("a", resources=(Resource("data", f"{base}/a.nc", roles=("data",)),))
        record = Record("a", "file", b"{}", "application/json", f"{base}/a.nc")
        looking = inspections(base, tmp_path, inspector, opened)

        def asked():
            log.clear()
            looking.of(dataset, record)
            return [method for method, _, _ in log]

        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1709251200")
        assert "GET" in asked()
        assert asked() == []
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1709251200 + 86400))
        assert asked() == ["HEAD"]
        assert asked() == []
        forget_checks(looking.state)
        assert asked() == ["HEAD"]


def test_parquet_folder_reads_as_the_file(tmp_path):
    from kerchunk.utils import refs_as_store

    path = tmp_path / "file.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("y", 60)
        file.createDimension("x", 40)
        file.createVariable("y", "f8", ("y",))[:] = np.arange(60)
        file.createVariable("crs", "i4", ()).grid_mapping_name = "latitude_longitude"
        variable = file.createVariable("v", "i2", ("y", "x"), chunksizes=(1, 2), zlib=True, fill_value=-1)
        variable[5:50] = np.arange(45 * 40).reshape(45, 40)
    made = correct(translate(path, "hdf5"), path)
    assert made.count() == 60 * 20 + 2
    for name, body in made.parquet(str(path)).items():
        target = tmp_path / "refs.parquet" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    store = refs_as_store(str(tmp_path / "refs.parquet"), remote_protocol="file")
    for decoded in (False, True):
        theirs = xr.open_dataset(path, engine="netcdf4", decode_cf=decoded).load()
        ours = xr.open_dataset(store, engine="zarr", zarr_format=2, consolidated=False, decode_cf=decoded).load()
        assert set(theirs.variables) == set(ours.variables)
        assert [n for n in theirs.variables if not same_values(theirs[n].values, ours[n].values)] == []


def test_partial_file_fetches_each_block_once(tmp_path):
    path, asked = tmp_path / "x", []
    path.write_bytes(bytes(1_000_000))
    with PartialFile(path, asked.extend) as file:
        file.ensure([(0, 10), (5000, 10), (500_000, 1)])
        file.ensure([(3, 10), (500_001, 1), (5_000_000, 10)])
        assert asked == [(0, 8192), (499_712, 4096)]
        file.seek(-10, 2)
        assert len(file.read(100)) == 10


def test_a_partial_file_of_too_many_parts_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("builder.references.partial.MAX_BYTES", 8192)
    path, asked = tmp_path / "x", []
    path.write_bytes(bytes(100_000))
    with PartialFile(path, asked.extend) as file:
        file.ensure([(0, 10), (50_000, 10)])
        with pytest.raises(UnreferenceableError, match="too many parts"):
            file.ensure([(90_000, 10)])
    assert asked == [(0, 53_248)]


def over(data):
    return lambda ranges: [data[max(offset, 0) : max(offset, 0) + length] for offset, length in ranges]


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=600), version=st.sampled_from([1, 2, 5]))
def test_any_bytes_after_the_classic_signature(body, version):
    data = b"CDF" + bytes([version]) + body
    with suppress(UnreferenceableError):  # any other error fails, and so does a loop without end
        scan_netcdf3(over(data), len(data))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "file.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("v", data=np.arange(10_000), chunks=(10,))
        header = h5py.h5g.get_objinfo(file["v"].id).objno[0]
    return path.read_bytes(), header


@settings(max_examples=200, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 255)), min_size=1, max_size=40))
def test_any_damage_to_headers_and_trees_ends(small, changes):
    data, header = bytearray(small[0]), small[1]
    root = chunk_index(over(bytes(data)), header)
    for place, value in changes:
        data[(header if place % 2 else root) + place % 3000] = value
    with suppress(UnreferenceableError):
        found = chunk_index(over(bytes(data)), header)
        assert found is None or len(walk(over(bytes(data)), [found], 1).tree) <= 1 << 20


def node(level, children):
    """A node over one dimension as the HDF5 File Format Specification 3.0 lays it out in section III.A.1."""
    keys = b"".join(struct.pack("<IIQQQ", 1, 0, place, 0, child) for place, child in enumerate(children))
    return (b"TREE\x01" + struct.pack("<BHQQ", level, len(children), 0, 0) + keys).ljust(4096, b"\0")


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([node(1, [0])], "below its parent"),
        ([node(1, [4096]), node(1, [4096])], "below its parent"),
        ([node(1, [4096, 4096]), node(0, [9])], "more than once"),
        ([node(1, [4096, 8192]), node(0, [9]), bytes(4096)], "no signature"),
        ([node(0, range(65))], "uncommon size"),
    ],
    ids=["a ring", "a ring below", "two links to one", "one that is none", "too many entries"],
)
def test_a_tree_that_is_none_is_left_to_hdf5(nodes, said):
    data, calls = b"".join(nodes), iter(range(9))
    with pytest.raises(UnknownIndexError, match=said):
        walk(lambda ranges: (next(calls), over(data)(ranges))[1], [0], 1)


def test_tree_is_read_as_hdf5_reads_it(small, tmp_path):
    path = tmp_path / "file.h5"
    path.write_bytes(small[0])
    rows = []
    with h5py.File(path) as file:
        file["v"].id.chunk_iter(lambda chunk: rows.append((chunk.chunk_offset[0], chunk.byte_offset, chunk.size)))
    found = walk(over(small[0]), [chunk_index(over(small[0]), small[1])], 1)
    ours = zip(found.corner[:, 0].tolist(), found.offset.tolist(), found.size.tolist(), strict=True)
    assert sorted(ours) == sorted(rows)
    assert orjson.dumps(len(rows)) == b"1000"


def test_values_of_a_variable_called_like_a_dimension_of_another_shape_are_fetched(tmp_path, inspector):
    path, numbers = tmp_path / "x.nc", np.arange(9000, dtype="f4")
    with netCDF4.Dataset(path, "w") as file:
        for name, length in (("t", 100_000), ("x", 3), ("n", numbers.size)):
            file.createDimension(name, length)
        values = file.createVariable("v", "f8", ("t", "x"), zlib=True, chunksizes=(1000, 3))
        values[:] = np.random.default_rng(1).random((100_000, 3))
        file.createVariable("x", "f4", ("n",))[:] = numbers
    with ranged(tmp_path) as (base, _):
        refs = orjson.loads(parts_of(inspector, base, "x.nc", tmp_path).references)["refs"]
    held = base64.b64decode(refs["x/0"].removeprefix("base64:"))
    np.testing.assert_array_equal(np.frombuffer(held, "<f4"), numbers)
