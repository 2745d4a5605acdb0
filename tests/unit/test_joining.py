"""Granules are joined in a process of their own; where that fails, joined references are all that is missing."""

from __future__ import annotations

import base64
import sys
from types import SimpleNamespace

import numpy as np
import orjson
import pytest

from builder.enrich.combine import combine_in_order
from builder.enrich.inspect import ChildLostError
from builder.enrich.joining import join_apart


def references(day, cells=4):
    """Return kerchunk's references of a file with one map, written down by hand."""
    array = {"zarr_format": 2, "order": "C", "filters": None, "compressor": None, "fill_value": None}
    time = {**array, "shape": [1], "chunks": [1], "dtype": "<f8"}
    ice = {**array, "shape": [1, cells], "chunks": [1, 1], "dtype": "<f4"}
    refs = {
        ".zgroup": '{"zarr_format":2}',
        ".zattrs": "{}",
        "time/.zarray": orjson.dumps(time).decode(),
        "time/.zattrs": '{"_ARRAY_DIMENSIONS":["time"],"units":"days since 2020-01-01"}',
        "time/0": "base64:" + base64.b64encode(np.float64(day).tobytes()).decode(),
        "ice/.zarray": orjson.dumps(ice).decode(),
        "ice/.zattrs": '{"_ARRAY_DIMENSIONS":["time","x"]}',
    }
    refs |= {f"ice/0.{x}": [f"https://example.org/{day}.nc", 100 + 4 * x, 4] for x in range(cells)}
    return orjson.dumps({"version": 1, "refs": refs})


@pytest.fixture
def kept(tmp_path):
    """Return names and files of what was found in so many granules."""

    def write(days, cells=4):
        for day in days:
            (tmp_path / f"{day}.kept").write_bytes(orjson.dumps({"references": references(day, cells).decode()}))
        return [(f"day {day}", tmp_path / f"{day}.kept") for day in days]

    return write


def test_a_child_joins_what_would_be_joined_here_in_the_order_of_time(tmp_path, kept):
    (tmp_path / "joined").mkdir()
    joined, findings = join_apart(kept([2, 0, 1]), tmp_path / "joined")
    assert (findings, joined.parquet) == ((), None)
    assert joined.order == (("day 0", 1), ("day 1", 1), ("day 2", 1))
    refs = orjson.loads(joined.references.read_bytes())["refs"]
    assert refs["ice/2.3"] == ["https://example.org/2.nc", 112, 4]
    assert joined.references.read_bytes() == combine_in_order([(f"day {n}", references(n)) for n in (2, 0, 1)])[0].body


def test_very_many_references_are_written_as_parquet_too(tmp_path, kept):
    (tmp_path / "joined").mkdir()
    joined, _ = join_apart(kept(range(2), cells=10_001), tmp_path / "joined")
    assert {path.name for path in joined.parquet.iterdir()} == {".zmetadata", "ice", "time"}


def test_what_stands_in_the_way_is_said(tmp_path, kept):
    joined, findings = join_apart([*kept([0]), ("another", kept([0])[0][1])], tmp_path)
    assert joined is None
    assert [(one.code, "the same times" in one.message) for one in findings] == [("netcdf.not-combined", True)]


@pytest.mark.parametrize("times", [1, 2])
def test_a_child_that_the_machine_kills_has_a_second_try(tmp_path, kept, monkeypatch, times):
    (tmp_path / "joined").mkdir()
    program = tmp_path / "killed"
    program.write_text(
        f"#!/bin/sh\necho >> {tmp_path}/runs\n"
        f'[ $(wc -l < {tmp_path}/runs) -gt {times} ] && exec {sys.executable} "$@"\nkill -9 $$\n'
    )
    program.chmod(0o700)
    monkeypatch.setattr("builder.enrich.joining.sys", SimpleNamespace(executable=str(program)))
    if times == 1:
        assert join_apart(kept([0, 1]), tmp_path / "joined")[0].order == (("day 0", 1), ("day 1", 1))
    else:
        with pytest.raises(ChildLostError, match="killed twice") as lost:
            join_apart(kept([0, 1]), tmp_path / "joined")
        assert lost.value.code == "netcdf.killed"


def test_a_child_that_does_not_come_to_its_end_is_told_of(tmp_path, kept):
    parts = kept([0, 1])
    with pytest.raises(ChildLostError, match=r"longer than 0\.01 s") as lost:
        join_apart(parts, tmp_path, timeout_s=0.01)
    assert lost.value.code == "netcdf.timeout"
    parts[0][1].write_bytes(b"{")
    with pytest.raises(ChildLostError, match="JSONDecodeError"):
        join_apart(parts, tmp_path)
