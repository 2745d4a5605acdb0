"""Files that references cannot express get a copy that reads the same to the bit, where the definition asks for it."""

from __future__ import annotations

import errno
import json
import os
from types import SimpleNamespace

import h5py
import netCDF4
import numpy as np
import pytest

import iaos
from builder.build import Request, build
from builder.checks.references import check_references
from builder.enrich.copying import make_copy
from builder.enrich.guard import file_kind
from builder.enrich.references import make_references
from builder.enrich.rewrite import rewrite
from builder.errors import UnreferenceableError
from builder.serve import serve
from tests.encodings import CASES, write

COPIED = ["szip", "h5_scale_offset", "fletcher32_shuffle_64", "h5_many_chunks", "h5_mixed_masks"]


def raw(path):
    """Every value of a file as netCDF4 reads it, bytes for bytes, with types and attributes."""
    found = {}
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        for name, variable in file.variables.items():
            attributes = {key: np.asarray(variable.getncattr(key)).tobytes() for key in variable.ncattrs()}
            values = np.asarray(variable[...])
            data = values.tolist() if values.dtype.kind in "OU" else values.tobytes()
            found[name] = (variable.dtype, variable.dimensions, data, attributes)
    return found


@pytest.mark.parametrize("name", COPIED)
def test_a_copy_is_the_same_to_the_bit_and_has_references(tmp_path, name):
    source, target = write(name, tmp_path / "source.nc"), tmp_path / "copy.nc"
    if name == "szip" and not netCDF4.__has_szip_support__:
        pytest.skip("this netCDF library cannot write szip")
    assert make_copy(source, target, 60) is None
    theirs, ours = raw(source), raw(target)
    assert list(theirs) == list(ours)
    for variable, (dtype, _, data, attributes) in theirs.items():
        assert (ours[variable][0], ours[variable][2], ours[variable][3]) == (dtype, data, attributes)
    assert make_references(target, file_kind(target), str(target))[0]


def test_lzf_is_read_by_h5py(tmp_path):
    source, target = write("h5_lzf", tmp_path / "source.nc"), tmp_path / "copy.nc"
    assert make_copy(source, target, 60) is None
    with h5py.File(source) as file:
        assert raw(target)["v"][2] == file["v"][...].tobytes()


def test_members_of_compound_types_become_variables(tmp_path):
    source, target = tmp_path / "source.nc", tmp_path / "copy.nc"
    data = np.array([(1, 0.5), (2, -0.0), (3, np.nan)], np.dtype([("a", "i4"), ("b", "f8")]))
    with netCDF4.Dataset(source, "w") as file:
        file.createDimension("y", 3)
        group = file.createGroup("deep/down")
        kind = group.createCompoundType(data.dtype, "pair")
        group.createVariable("p", kind, ("y",))[:] = data
    rewrite(source, target)
    with netCDF4.Dataset(target) as file:
        inner = file["deep/down"]
        inner.set_auto_mask(False)
        assert inner["p.a"][:].tobytes() == data["a"].tobytes()
        assert inner["p.b"][:].tobytes() == data["b"].tobytes()


def test_groups_keep_their_attributes_and_their_values_of_lzf(tmp_path):
    with h5py.File(tmp_path / "source.nc", "w") as file:
        file.attrs["title"] = "Ice"
        deep = file.create_group("deep")
        deep.attrs["note"] = "inner"
        deep.create_dataset("v", data=np.arange(20), chunks=(5,), compression="lzf")
    rewrite(tmp_path / "source.nc", tmp_path / "copy.nc")
    with netCDF4.Dataset(tmp_path / "copy.nc") as file:
        assert (file.title, file["deep"].note) == ("Ice", "inner")
        assert file["deep/v"][:].tolist() == list(range(20))


def test_no_records_are_copied_and_values_that_come_out_otherwise_are_refused(tmp_path, monkeypatch):
    with netCDF4.Dataset(tmp_path / "source.nc", "w") as file:
        file.createDimension("time", None)
        file.createDimension("x", 3)
        file.createVariable("v", "f4", ("x", "time"))
        file.createVariable("x", "f4", ("x",))[:] = [1, 2, 3]
    rewrite(tmp_path / "source.nc", tmp_path / "copy.nc")
    with netCDF4.Dataset(tmp_path / "copy.nc") as file:
        assert (file["v"].shape, file["x"][:].tolist()) == ((3, 0), [1, 2, 3])
    monkeypatch.setattr("builder.enrich.rewrite.same_bits", lambda *_: False)
    with pytest.raises(UnreferenceableError, match="variable x came out otherwise"):
        rewrite(tmp_path / "source.nc", tmp_path / "other.nc")


def test_what_cannot_be_copied_leaves_nothing(tmp_path):
    assert "ragged" in make_copy(write("ragged_numbers", tmp_path / "source.nc"), tmp_path / "copy.nc", 60)
    (tmp_path / "not.nc").write_bytes(b"<html>")
    assert make_copy(tmp_path / "not.nc", tmp_path / "copy.nc", 60)
    assert "longer" in make_copy(write("szip", tmp_path / "late.nc"), tmp_path / "copy.nc", 0.01)
    assert not (tmp_path / "copy.nc").exists()


def test_a_copy_whose_process_was_killed_is_made_by_the_next_build(odd, monkeypatch):
    with monkeypatch.context() as killing:
        killing.setattr("builder.enrich.copying.sys", SimpleNamespace(executable=killed(odd)))
        report = built(odd, "https://example.org/")
    assert "netcdf.killed" in report.to_markdown()
    assert "readable-copy" not in the_item(odd)["assets"]
    built(odd, "https://example.org/")
    assert "readable-copy" in the_item(odd)["assets"]


def test_a_copy_that_took_too_long_on_a_busy_machine_is_made_by_the_next_build(odd, monkeypatch):
    with monkeypatch.context() as busy:
        busy.setattr("builder.enrich.copying.TIMEOUT_S", 1)
        busy.setattr("builder.enrich.copying.sys", SimpleNamespace(executable=killed(odd, "exec sleep 60")))
        assert "copying took longer than 1 s" in built(odd, "https://example.org/").to_markdown()
    built(odd, "https://example.org/")
    assert "readable-copy" in the_item(odd)["assets"]


def killed(folder, act="kill -9 $$"):
    """Return a program that is killed, as the system does it when memory runs out, or that does something else."""
    program = folder / "killed"
    program.write_text(f"#!/bin/sh\n{act}\n")
    program.chmod(0o700)
    return str(program)


def test_a_full_disk_is_no_fault_of_the_file_that_is_copied(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    source, target = write("ragged_numbers", tmp_path / "source.nc"), tmp_path / "copy.nc"
    with pytest.raises(OSError, match=r"No space left on device: .*copy\.nc"):
        make_copy(source, target, 60)
    assert not target.exists()


def test_files_that_lead_elsewhere_are_not_copied(shared_data, tmp_path):
    bad = shared_data / "hostile" / "nc-external-storage" / "bad.nc"
    assert "external" in make_copy(bad, tmp_path / "copy.nc", 60)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2] is None])
def test_every_other_encoding_copies_too(tmp_path, name):
    source, target = write(name, tmp_path / "source.nc"), tmp_path / "copy.nc"
    rewrite(source, target)
    theirs, ours = raw(source), raw(target)
    assert {k: v[2:] for k, v in theirs.items()} == {k: v[2:] for k, v in ours.items()}


DEFINITION = """\
id: odd
title: Odd files
description: Made by a test.
partner:
  id: test
  name: Test
license: CC-BY-4.0
source:
  type: files
  path: odd
  format: netcdf
policies:
  copies: true
  combine: false
overrides:
- set: {start: 2018-07-01, end: 2018-07-02, bbox: [10, 70, 20, 80]}
"""


@pytest.fixture
def odd(tmp_path):
    (tmp_path / "collections" / "odd").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    write("h5_scale_offset", tmp_path / "collections" / "odd" / "odd.nc")
    (tmp_path / "collections" / "odd.yaml").write_text(DEFINITION)
    return tmp_path


def built(folder, url):
    return build(Request(folder / "collections", folder / "out", folder / "state", base_url=url), lambda _: None)


def the_item(folder):
    found = (json.loads(file.read_bytes()) for file in (folder / "out/test/odd").glob("*.json"))
    return next(stac for stac in found if stac.get("type") == "Feature")


def test_the_copy_is_published_with_references_that_read_it(odd):
    with serve(odd / "out") as server:
        report = built(odd, server.url)
        assert report.exit_status == 0, report.to_markdown()
        item = the_item(odd)
        asset = item["assets"]["readable-copy"]
        published = odd / "out/test/odd" / asset["href"]
        assert asset["file:size"] == published.stat().st_size == item["assets"]["references"]["iaos:source_size"]
        assert asset["iaos:copy_of"].endswith("/odd.nc")
        source = odd / "collections/odd/odd.nc"
        assert raw(published)["v"][2] == raw(source)["v"][2]
        with netCDF4.Dataset(source) as file, iaos.open(f"{server.url}test/odd/{item['id']}.json") as found:
            assert found["v"].to_numpy().tobytes() == file["v"][:].tobytes()
        files = {f.relative_to(odd / "out").as_posix(): f for f in (odd / "out").rglob("*") if f.is_file()}
        assert list(check_references(lambda path: files[path].read_bytes(), files)) == []
        assert not list(built(odd, server.url).plan)
        (kept,) = (odd / "state" / "copies").rglob("*.nc")
        kept.unlink()
        assert not list(built(odd, server.url).plan)  # made anew, with the same bytes
        assert kept.is_file()


def test_a_copy_is_written_where_the_next_run_clears_what_a_killed_one_left(odd, monkeypatch):
    written = []
    monkeypatch.setattr("builder.enrich.copying.make_copy", lambda _, target, __: written.append(target) or "no")
    built(odd, "https://example.org/")
    (target,) = written
    assert target.parent.name.startswith(".scratch-")
    assert target.parent.parent == odd / "state"


def test_without_the_policy_or_with_a_restriction_nothing_is_copied(odd):
    file = odd / "collections" / "odd.yaml"
    for text in (
        DEFINITION.replace("copies: true", "copies: false"),
        DEFINITION.replace("{start", "{restricted: true, start"),
    ):
        file.write_text(text)
        report = built(odd, "https://example.org/")
        assert "readable-copy" not in the_item(odd)["assets"], report.to_markdown()
        assert [f.name for f in (odd / "out/test/odd").rglob("*.nc") if f.name != "odd.nc"] == []
