"""Every encoding of the matrix reads through its references as netCDF-C reads the file, or is refused."""

from __future__ import annotations

import netCDF4
import numpy as np
import orjson
import pytest
import xarray as xr
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from builder.enrich.guard import file_kind
from builder.enrich.references import make_references
from builder.enrich.verify import same_values
from builder.errors import UnreferenceableError
from tests.encodings import CASES, write

MATRIX = 57
"""Cases of the published comparison of kerchunk, VirtualiZarr and netCDF4 that this matrix rebuilds and extends."""
KEPT_BY_READERS = {"_FillValue", "_ARRAY_DIMENSIONS"}


def both(path, body, group, *, decoded):
    from kerchunk.utils import refs_as_store

    refs = orjson.loads(body)
    options = {"group": group or None, "decode_cf": decoded}
    store = refs_as_store(refs, remote_protocol="file")
    ours = xr.open_dataset(store, engine="zarr", zarr_format=2, consolidated=".zmetadata" in refs["refs"], **options)
    return xr.open_dataset(path, engine="netcdf4", **options).load(), ours.load()


def differences(path, body, group="", *, widened=False):
    """What xarray reads through references otherwise than by its netCDF4 engine: values, dimensions, attributes."""
    for decoded in (False, True):
        theirs, ours = both(path, body, group, decoded=decoded)
        yield from ((group, name, "only one has it") for name in set(theirs.variables) ^ set(ours.variables))
        for name, variable in theirs.variables.items():
            mine = ours.variables[name].values
            if widened and decoded and variable.dtype in {np.dtype("f4"), np.dtype("i4")}:
                mine = mine.astype(variable.dtype)
            if not same_values(variable.values, mine) or variable.dims != ours.variables[name].dims:
                yield group, name, decoded
            yield from ((group, name, key) for key in differing(variable.attrs, ours.variables[name].attrs))
        yield from ((group, "", key) for key in differing(theirs.attrs, ours.attrs))


def differing(theirs, ours):
    """Attributes that differ by more than JSON's number types; zarr keeps fill values elsewhere than netCDF-C."""
    for key in (set(theirs) | set(ours)) - KEPT_BY_READERS:
        if key not in theirs or key not in ours or not np.array_equal(theirs[key], ours[key]):
            yield key


def groups(path):
    def inner(group, prefix):
        yield prefix
        for name, child in group.groups.items():
            yield from inner(child, f"{prefix}/{name}".lstrip("/"))

    with netCDF4.Dataset(path) as file:
        return list(inner(file, ""))


@pytest.mark.parametrize("name", CASES)
def test_encoding(tmp_path, name):
    _, _, refused, widened = CASES[name]
    path = write(name, tmp_path / "file.nc")
    if refused:
        with pytest.raises(UnreferenceableError, match=refused):
            make_references(path, file_kind(path), str(path))
        return
    body, _, findings = make_references(path, file_kind(path), str(path))
    assert ("netcdf.float32-packing" in {finding.code for finding in findings}) == widened
    assert [found for group in groups(path) for found in differences(path, body, group, widened=widened)] == []


def test_the_matrix_is_complete():
    assert len(CASES) >= MATRIX
    assert sum(refused is None for _, _, refused, _ in CASES.values()) > 55


def test_what_xarray_cannot_decode_is_compared_as_it_is_stored(tmp_path):
    path = tmp_path / "file.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 40_000)
        variable = file.createVariable("v", "i2", ("x",), fill_value=0)
        variable.setncattr("scale_factor", np.int32(2))  # xarray puts its not-a-number among whole ones
        variable.set_auto_maskandscale(False)
        variable[:] = np.arange(40_000) % 300
    body, _, _ = make_references(path, file_kind(path), str(path))
    theirs, ours = both(path, body, "", decoded=False)
    assert same_values(theirs["v"].values, ours["v"].values)


@st.composite
def layouts(draw):
    rank = draw(st.integers(1, 3))
    shape = [draw(st.integers(1, 40)) for _ in range(rank)]
    options = {"chunksizes": [draw(st.integers(1, length)) for length in shape]} if draw(st.booleans()) else {}
    if options:
        options |= {
            "zlib": draw(st.booleans()),
            "shuffle": draw(st.booleans()),
            "fletcher32": draw(st.booleans()),
        }
    dtype = draw(st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]))
    order = draw(st.sampled_from(["little", "big"]))
    fill = draw(st.sampled_from([None, 0, 7]))
    written = tuple(slice(0, draw(st.integers(0, length))) for length in shape)
    more = draw(st.integers(0, 20)) if draw(st.booleans()) else None
    return shape, dtype, options | {"endian": order, "fill_value": fill}, written, more


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layout=layouts(), seed=st.integers(0, 1000))
def test_any_small_file_reads_as_netcdf4_reads_it(tmp_path, monkeypatch, layout, seed):
    from builder.enrich import correct, references

    monkeypatch.setattr(correct, "INLINE_BYTES", 0)
    monkeypatch.setattr(references, "BUDGET_BYTES", 1 << 30)
    shape, dtype, options, written, more_records = layout
    path = tmp_path / "file.nc"
    with netCDF4.Dataset(path, "w") as file:
        for axis, length in enumerate(shape):
            file.createDimension(f"d{axis}", None if axis == 0 and more_records is not None else length)
        variable = file.createVariable("v", dtype, [f"d{axis}" for axis in range(len(shape))], **options)
        variable.set_auto_maskandscale(False)
        data = np.random.default_rng(seed).integers(0, 100, shape).astype(dtype)
        if all(part.stop for part in written):
            variable[written] = data[written]
        if more_records is not None:
            file.createVariable("longer", "f4", ("d0",))[: shape[0] + more_records] = 1
    try:
        body, _, _ = make_references(path, "hdf5", str(path))
    except UnreferenceableError as reason:
        event("refused")
        if "shuffles its checksums" not in reason.message:
            raise
    else:
        assert list(differences(path, body)) == []
