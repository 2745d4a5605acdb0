"""Whatever is given, what opens is what the file holds; a changed file is never taken for the one referred to."""

from __future__ import annotations

import os
import subprocess
import sys

import netCDF4
import numpy as np
import orjson
import pystac
import pytest
import xarray as xr
from kerchunk.df import refs_to_dataframe

import iaos
from builder.enrich.guard import file_kind
from builder.enrich.joining import request, result
from builder.enrich.joinworker import join
from builder.enrich.references import make_references
from builder.errors import ReadingError, StaleError
from builder.reading.extract import plan
from builder.reading.opening import told
from builder.reading.query import query
from builder.serve import serve
from tests.servers.local import Answer, LocalServer


def write_file(path, day, *, group=None):
    rng = np.random.default_rng(day)
    with netCDF4.Dataset(path, "w") as root:
        file = root.createGroup(group) if group else root
        for name, size in (("time", 4), ("lat", 20), ("lon", 30)):
            file.createDimension(name, size)
        for name, units, values in (
            ("time", "hours since 2018-07-01", 24 * day + np.arange(4) * 6),
            ("lat", "degrees_north", np.linspace(70, 89, 20)),
            ("lon", "degrees_east", np.linspace(-180, 168, 30)),
        ):
            variable = file.createVariable(name, "f8", name)
            variable.units = units
            variable[:] = values
        ice = file.createVariable("ice", "f4", ("time", "lat", "lon"), zlib=True, chunksizes=(1, 10, 10))
        ice.setncatts({"standard_name": "sea_ice_area_fraction", "units": "1"})
        ice[:] = rng.random((4, 20, 30), dtype="f4")


def item_of(name, day, **fields):
    assets = {
        "data": {"href": f"./{name}.nc", "type": "application/netcdf", "roles": ["data"]},
        "references": {"href": f"./{name}.refs.json", "type": "application/json", "roles": ["references"]},
    }
    start, end = f"2018-07-0{day + 1}T00:00:00Z", f"2018-07-0{day + 1}T18:00:00Z"
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": name, "geometry": None, "bbox": [-180, 70, 180, 89],
        "properties": {"datetime": None, "start_datetime": start, "end_datetime": end, "sci:doi": "10.1234/ice",
                       "license": "CC-BY-4.0"},
        "assets": assets, "links": [], **fields,
    }  # fmt: skip


@pytest.fixture
def site(tmp_path):
    """A served folder of two days of ice with items, references by web address, and a collection."""
    with serve(tmp_path) as server:
        for day in (0, 1):
            name, path = f"day{day}", tmp_path / f"day{day}.nc"
            write_file(path, day)
            url = f"{server.url.rstrip('/')}/{name}.nc"
            text, _, _ = make_references(path, file_kind(path), url)
            (tmp_path / f"{name}.refs.json").write_bytes(text)
            item = item_of(name, day)
            item["assets"]["data"] |= {"href": url, "file:size": path.stat().st_size}
            (tmp_path / f"{name}.json").write_bytes(orjson.dumps(item))
        links = [{"rel": "item", "href": f"./day{day}.json"} for day in (0, 1)]
        collection = {"type": "Collection", "id": "ice", "links": links, "assets": {}, "license": "CC-BY-4.0"}
        (tmp_path / "collection.json").write_bytes(orjson.dumps(collection))
        yield tmp_path, server.url.rstrip("/")


def same(found, path, **options):
    with xr.open_dataset(path, engine="netcdf4", **options) as wanted:
        for name, variable in wanted.variables.items():
            np.testing.assert_array_equal(found[name].to_numpy(), variable.to_numpy())
        assert set(found.variables) == set(wanted.variables)
        assert found.ice.attrs["units"] == "1"


def test_everything_that_may_be_given_opens(site):
    folder, url = site
    text = (folder / "day0.json").read_bytes()
    item = pystac.Item.from_dict(orjson.loads(text), href=f"{url}/day0.json")
    local = orjson.loads(text)
    local["links"] = [{"rel": "self", "href": str(folder / "day0.json")}]
    refs = orjson.loads((folder / "day0.refs.json").read_bytes())
    refs_to_dataframe(refs, str(folder / "day0.parquet"))
    for given in (
        item, local, refs, folder / "day0.json", (folder / "day0.json").as_uri(), f"{url}/day0.json",
        folder / "day0.refs.json", f"{url}/day0.refs.json", folder / "day0.parquet", f"{url}/day0.parquet",
        folder / "day0.nc", f"{url}/day0.nc",
    ):  # fmt: skip
        same(iaos.open(given), folder / "day0.nc")


def test_a_collection_opens_by_its_combined_references(site):
    folder, url = site
    with pytest.raises(ReadingError, match="no combined references"):
        iaos.open(f"{url}/collection.json")
    collection = orjson.loads((folder / "collection.json").read_bytes())
    collection["assets"]["references"] = {"href": "./day1.refs.json", "roles": ["references"]}
    (folder / "collection.json").write_bytes(orjson.dumps(collection))
    same(iaos.open(f"{url}/collection.json"), folder / "day1.nc")


def test_decoding_options_reach_xarray(site):
    folder, url = site
    assert iaos.open(f"{url}/day0.json", decode_times=False).time.to_numpy().tolist() == [0, 6, 12, 18]
    same(iaos.open(folder / "day1.nc", decode_cf=False), folder / "day1.nc", decode_cf=False)


def test_a_group_is_asked_for_by_name(site):
    folder, url = site
    write_file(folder / "day0.nc", 0, group="grids")
    text, _, _ = make_references(folder / "day0.nc", "hdf5", f"{url}/day0.nc")
    (folder / "g.json").write_bytes(text)
    same(iaos.open(folder / "g.json", group="grids"), folder / "day0.nc", group="grids")
    with pytest.raises(ReadingError, match=r"all variables are in groups .*grids"):
        iaos.open(folder / "g.json")
    with pytest.raises(ReadingError, match=r"no group 'nets' .*grids"):
        iaos.open(folder / "g.json", group="nets")
    same(iaos.open(f"{url}/day0.nc", group="/grids/"), folder / "day0.nc", group="grids")
    for file in (folder / "day0.nc", f"{url}/day0.nc"):
        with pytest.raises(ReadingError, match=r"all variables are in groups \(choose a group: grids\)"):
            iaos.open(file)
        with pytest.raises(ReadingError, match=r"no group 'nets' \(choose a group: grids\)"):
            iaos.open(file, group="nets")
    with pytest.raises(ReadingError, match=r"no group 'nets' \(it has none\)"):
        iaos.open(f"{url}/day1.nc", group="nets")


def test_items_that_cannot_be_opened_are_left_out_and_named(site):
    folder, _ = site
    write_file(folder / "day0.nc", 0, group="grids")
    (folder / "cut.nc").write_bytes((folder / "day1.nc").read_bytes()[:100])
    everything = [folder / "day0.nc", folder / "cut.nc", folder / "day1.nc"]
    notes = plan(everything, query(time="2018")).notes
    assert notes[0] == f"left out {folder / 'day0.nc'}: all variables are in groups"
    assert notes[1].startswith(f"left out {folder / 'cut.nc'}: cannot be opened as NetCDF: ")
    assert set(iaos.extract(*everything)["item"].to_numpy()) == {str(folder / "day1.nc")}
    assert set(iaos.extract(*everything, group="grids")["item"].to_numpy()) == {str(folder / "day0.nc")}


def test_a_collection_without_items_stands_for_its_own_file(site):
    folder, url = site
    data = {"href": f"{url}/day1.nc", "type": "application/netcdf", "roles": ["data"]}
    record = {"type": "Collection", "id": "one", "license": "other", "links": [], "assets": {"data": data}}
    (folder / "one.json").write_bytes(orjson.dumps(record))
    part = iaos.extract(folder / "one.json", variables=["time"])
    hours = np.arange("2018-07-02T00", "2018-07-03T00", 6, dtype="datetime64[h]")
    np.testing.assert_array_equal(part.time.to_numpy(), hours)
    record["assets"]["data"] |= {"href": f"{url}/a.tif", "type": "image/tiff"}
    (folder / "one.json").write_bytes(orjson.dumps(record))
    with pytest.raises(ReadingError, match=rf"the collection has no references .*read {url}/a.tif \(image/tiff\)"):
        iaos.extract(folder / "one.json")


def test_an_item_without_data_to_open_says_what_to_do():
    csv = item_of("a", 0, assets={"data": {"href": "https://x.org/a.csv", "type": "text/csv", "roles": ["data"]}})
    with pytest.raises(ReadingError, match=r"a: the item has no references .*read https://x.org/a.csv \(text/csv\)"):
        iaos.open(csv)
    csv["assets"]["data"]["auth:refs"] = ["login"]
    with pytest.raises(ReadingError, match="its data need a login"):
        iaos.open(csv)
    with pytest.raises(ReadingError, match="lists no data files"):
        iaos.open(item_of("a", 0, assets={}))
    with pytest.raises(ReadingError, match="document of unknown place"):
        iaos.open(item_of("a", 0))


def test_what_is_no_data_is_said_to_be_none(tmp_path):
    for name, text in (("a.json", "{}"), ("b.json", "[]"), ("c.json", "{"), ("d.nc", "CDFx")):
        (tmp_path / name).write_text(text)
        with pytest.raises(ReadingError, match=name):
            iaos.open(tmp_path / name)
    for name in ("none.json", "none.nc"):
        with pytest.raises(ReadingError, match=r"none\.(json|nc): [Nn]o such file"):
            iaos.open(tmp_path / name)


def test_a_file_that_changed_is_not_read(site):
    folder, url = site
    opened = iaos.open(f"{url}/day0.json")
    with (folder / "day0.nc").open("ab") as file:
        file.write(b"x")
    with pytest.raises(RuntimeError) as trouble:
        opened.ice.load()
    assert isinstance(told(trouble.value), StaleError)
    with pytest.raises(StaleError, match=r"day0\.nc: the file changed after its references were made \(size"):
        iaos.extract(f"{url}/day0.json", point=(0, 80))
    os.truncate(folder / "day0.nc", 5000)
    with pytest.raises(StaleError, match="shorter than its references say"):
        iaos.extract(f"{url}/day0.refs.json", point=(0, 80))
    (folder / "day0.nc").unlink()
    with pytest.raises(ReadingError, match="HTTP status 404"):
        iaos.extract(f"{url}/day0.refs.json", point=(0, 80))


def test_references_that_know_the_entity_tag_notice_a_file_of_equal_size(site):
    folder, url = site
    refs, size = (folder / "day0.refs.json").read_bytes(), (folder / "day0.nc").stat().st_size
    with LocalServer(ranged((folder / "day0.nc").read_bytes(), {"ETag": '"new"'})) as server:
        (folder / "moved.refs.json").write_bytes(refs.replace(url.encode(), server.url.encode()))
        item = item_of("moved", 0)
        item["assets"]["data"]["href"] = f"{server.url}/day0.nc"
        item["assets"]["references"]["href"] = f"{url}/moved.refs.json"
        said = item["assets"]["references"]
        said |= {"iaos:source_size": size, "iaos:source_last_modified": "Thu, 01 Jan 1970 00:00:00 GMT"}
        said["iaos:source_etag"] = '"new"'
        assert iaos.open(item).ice.load().shape == (4, 20, 30)
        said["iaos:source_etag"] = '"old"'
        with pytest.raises(RuntimeError) as trouble:
            iaos.open(item).ice.load()
        assert "ETag" in str(told(trouble.value))


@pytest.mark.parametrize("above", [1000, 1])
def test_a_granule_that_changed_is_not_read_through_joined_references(site, monkeypatch, above):
    folder, url = site
    monkeypatch.setattr("builder.enrich.joinworker.PARQUET_ABOVE", above)
    granules = []
    for day in (0, 1):
        kept, file = folder / f"{day}.kept", f"{url}/day{day}.nc"
        facts = {"href": file, "size": (folder / f"day{day}.nc").stat().st_size, "etag": None, "copy": None}
        kept.write_bytes(orjson.dumps(facts | {"references": (folder / f"day{day}.refs.json").read_text()}))
        granules.append((f"day{day}", kept))
    said = join(request(granules, folder))
    joined, _ = result(said, folder)
    collection = orjson.loads((folder / "collection.json").read_bytes())
    name = (joined.parquet or joined.references).name
    collection["assets"]["references"] = {"href": f"./{name}", "roles": ["references"]}
    (folder / "collection.json").write_bytes(orjson.dumps(collection))
    for engine in ("kerchunk", None):
        found = xr.open_dataset(str(folder / name), engine=engine) if engine else iaos.open(f"{url}/collection.json")
        with xr.open_dataset(folder / "day1.nc") as wanted:
            np.testing.assert_array_equal(found.ice[4:].to_numpy(), wanted.ice.to_numpy())
    with (folder / "day1.nc").open("ab") as file:
        file.write(b"x")
    with pytest.raises(StaleError, match=r"day1\.nc: the file changed after its references were made \(size"):
        iaos.extract(f"{url}/collection.json", point=(0, 80))
    assert iaos.extract(f"{url}/collection.json", point=(0, 80), time="2018-07-01").ice.shape == (4,)


def test_a_local_file_that_changed_is_not_opened(site):
    folder, _ = site
    text, _, _ = make_references(folder / "day0.nc", "hdf5", str(folder / "day0.nc"))
    (folder / "here.refs.json").write_bytes(text)
    item, size = item_of("here", 0), (folder / "day0.nc").stat().st_size
    item["assets"]["data"] |= {"href": "./day0.nc", "file:size": size}
    (folder / "here.json").write_bytes(orjson.dumps(item))
    same(iaos.open(folder / "here.json"), folder / "day0.nc")
    item["assets"]["references"]["iaos:source_size"] = size + 1
    (folder / "here.json").write_bytes(orjson.dumps(item))
    with pytest.raises(StaleError):
        iaos.open(folder / "here.json")


def ranged(data, headers, *, trouble=0):
    """Serve one file by ranges; the first requests meet trouble."""
    left = [trouble]

    def answer(request):
        asked = request.headers.get("range")
        if left[0]:
            left[0] -= 1
            return Answer(503)
        if not asked:
            return Answer(200, headers, data)
        first, last = map(int, asked.removeprefix("bytes=").split("-"))
        said = {"Content-Range": f"bytes {first}-{last}/{len(data)}"} | headers
        return Answer(206, said, data[first : last + 1])

    return answer


def test_passing_trouble_is_waited_for_and_a_server_without_ranges_is_refused(site):
    folder, url = site
    refs, data = (folder / "day0.refs.json").read_bytes(), (folder / "day0.nc").read_bytes()
    with LocalServer(ranged(data, {}, trouble=3)) as server:
        same(iaos.open(orjson.loads(refs.replace(url.encode(), server.url.encode()))), folder / "day0.nc")
    with LocalServer(lambda _: Answer(200, {}, data)) as server:
        with pytest.raises(RuntimeError) as trouble:
            iaos.open(orjson.loads(refs.replace(url.encode(), server.url.encode()))).load()
        assert "does not serve parts" in str(told(trouble.value))


def test_a_cut_through_references_reads_the_chunks_it_said_and_no_others(site):
    folder, url = site
    planned = plan([f"{url}/day0.json"], query(point=(-180, 70), time="2018-07-01T06:00/2018-07-01T12:00"))
    with netCDF4.Dataset(folder / "day0.nc") as file:
        assert file["ice"].chunking() == [1, 10, 10]
    assert planned.cost.requests == 2  # one of six chunks of each of two times
    assert planned.cost.value_bytes == 2 * 4
    with LocalServer(ranged((folder / "day0.nc").read_bytes(), {})) as server:
        refs = orjson.loads((folder / "day0.refs.json").read_bytes().replace(url.encode(), server.url.encode()))
        dataset = iaos.extract(refs, point=(-180, 70), time="2018-07-01T06:00/2018-07-01T12:00")
        reads = [r for r in server.requests if "range" in r.headers]
    assert len(reads) == 2
    sizes = [
        int(r.headers["range"].split("-")[1]) - int(r.headers["range"].split("=")[1].split("-")[0]) + 1 for r in reads
    ]
    assert sum(sizes) == planned.cost.read_bytes
    with netCDF4.Dataset(folder / "day0.nc") as file:
        np.testing.assert_array_equal(dataset.ice, file["ice"][1:3, 0, 0])


def test_a_collection_is_cut_item_by_item_and_only_those_that_can_answer(site):
    folder, url = site
    whole = iaos.extract(f"{url}/collection.json", point=(0, 80))
    with netCDF4.Dataset(folder / "day0.nc") as first, netCDF4.Dataset(folder / "day1.nc") as second:
        wanted = np.concatenate([file["ice"][:, 10, 15] for file in (first, second)])
    np.testing.assert_array_equal(whole.ice, wanted)
    assert whole["item"].to_numpy().tolist() == ["day0"] * 4 + ["day1"] * 4
    (folder / "day1.nc").unlink()
    (folder / "day1.refs.json").unlink()
    part = iaos.extract(f"{url}/collection.json", point=(0, 80), time="2018-07-01")
    assert set(part["item"].to_numpy()) == {"day0"}
    with pytest.raises(ReadingError, match="no data at the place") as trouble:
        iaos.extract(f"{url}/collection.json", box=(0, 10, 20, 30))
    assert trouble.value.exit_status == 1


def test_provenance_names_item_question_citation_and_licence(site):
    _, url = site
    said = iaos.extract(f"{url}/day0.json", box=(170, 80, -170, 85)).attrs
    assert said["iaos_item"] == "day0"
    assert said["iaos_source"] == f"{url}/day0.refs.json"
    assert said["iaos_query"] == "--box 170,80,-170,85"
    assert said["citation"] == "https://doi.org/10.1234/ice"
    assert said["license"] == "CC-BY-4.0"


def test_nothing_is_left_open_at_exit(site):
    _, url = site
    words = [sys.executable, "-m", "builder", "-q", "extract", f"{url}/day0.json", "--point", "0,80"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "ice [1]" in done.stdout
    assert done.stderr == ""


def test_the_root_module_only_names_what_others_do():
    assert {name for name in dir(iaos) if not name.startswith("_")} >= {"open", "extract"}
    assert all(getattr(iaos, name).__module__.startswith("builder.") for name in iaos.__all__)
