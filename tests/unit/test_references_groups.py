"""The references of each group open by themselves, in xarray as it is."""

from __future__ import annotations

import json

import netCDF4
import numpy as np
import pytest
import xarray as xr

from builder.enrich.references import make_references
from builder.references.grouped import MOST_GROUPS, by_group
from tests.encodings import write


def opened(body, folder, engine):
    file = folder / "group.json"
    file.write_bytes(body)
    if engine == "kerchunk":
        return xr.open_dataset(str(file), engine="kerchunk").load()
    from kerchunk.utils import refs_as_store

    store = refs_as_store(json.loads(body), remote_protocol="file")
    return xr.open_dataset(store, engine="zarr", zarr_format=2, consolidated=False).load()


@pytest.mark.parametrize("engine", ["kerchunk", "zarr"])
def test_each_group_reads_as_netcdf4_reads_it(tmp_path, engine):
    path = write("nested_groups", tmp_path / "file.nc")
    body, _, _ = make_references(path, "hdf5", str(path))
    found = by_group(body)
    with netCDF4.Dataset(path) as file:
        holding = {one.path.strip("/") for one in walk(file) if one.variables and one.path != "/"}
    assert set(found) == holding
    assert holding
    for group, references in found.items():
        ours = opened(references, tmp_path, engine)
        with xr.open_dataset(path, group=group) as theirs:
            assert set(ours.variables) == set(theirs.variables)
            for name in theirs.variables:
                assert ours[name].to_numpy().tobytes() == theirs[name].to_numpy().tobytes()


def walk(group):
    yield group
    for child in group.groups.values():
        yield from walk(child)


def test_a_group_within_a_group_stays_below_it_and_has_its_own(tmp_path):
    path = tmp_path / "file.nc"
    with netCDF4.Dataset(path, "w") as file:
        for group in ("a", "a/b", "ab"):
            inner = file.createGroup(group)
            inner.createDimension("x", 3)
            inner.createVariable("v", "i4", ("x",))[:] = np.arange(3) + len(group)
    found = by_group(make_references(path, "hdf5", str(path))[0])
    assert list(found) == ["a", "a/b", "ab"]
    assert {"v/.zarray", "b/v/.zarray"} <= json.loads(found["a"])["refs"].keys()
    assert opened(found["a/b"], tmp_path, "zarr")["v"].to_numpy().tolist() == [3, 4, 5]
    assert opened(found["ab"], tmp_path, "zarr")["v"].to_numpy().tolist() == [2, 3, 4]


def test_files_without_groups_and_with_very_many_have_none(tmp_path):
    path = write("contiguous", tmp_path / "file.nc")
    assert by_group(make_references(path, "hdf5", str(path))[0]) == {}
    many = {f"g{number}/{name}": "{}" for number in range(MOST_GROUPS + 1) for name in (".zgroup", "v/.zarray")}
    assert by_group(json.dumps({"version": 1, "refs": many}).encode()) == {}
