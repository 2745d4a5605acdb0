"""Every recorded NetCDF file: references that decode to netCDF-C's values, or a finding why there are none."""

from __future__ import annotations

import time
from pathlib import Path

import netCDF4
import numpy as np
import orjson
import pytest
import xarray as xr

from builder.enrich.inspect import Inspector
from builder.enrich.verify import same_values

LIMIT_S = 60
LARGE = 4_000_000
"""Larger variables are read whole by the inspection, and by this test in part."""
HREF = "https://example.org/"


def opens(path: Path) -> bool:
    """Whether netCDF-C opens a file; these files are old friends, so here it may be asked directly."""
    try:
        netCDF4.Dataset(path).close()
    except OSError:
        return False
    return True


def aimed(body: bytes, path: Path) -> dict:
    """The published reference with the local file in the place of its public address."""
    refs = orjson.loads(body)
    refs["refs"] = {k: [str(path), *v[1:]] if isinstance(v, list) else v for k, v in refs["refs"].items()}
    return refs


def differing(refs: dict, path: Path) -> list[str]:
    """The variables of the root group that engine="kerchunk" reads differently from engine="netcdf4"."""
    options = {"decode_times": False} if not decodes(path) else {}
    with xr.open_dataset(path, engine="netcdf4", **options) as theirs:
        ours = xr.open_dataset(refs, engine="kerchunk", chunks=None, **options)
        wrong = sorted(set(theirs.variables) ^ set(ours.variables))
        for name in set(theirs.variables) & set(ours.variables):
            part = slice(0, 64) if theirs.variables[name].size > LARGE else slice(None)
            whole = (slice(None),) * (theirs.variables[name].ndim - 1)
            place = (part, *whole) if theirs.variables[name].ndim else ()
            first, second = (side.variables[name][place].values for side in (theirs, ours))
            if first.dtype == np.float32 and second.dtype == np.float64:
                second = second.astype(np.float32)
            if not same_values(first, second):
                wrong.append(name)
    return wrong


def decodes(path: Path) -> bool:
    try:
        xr.open_dataset(path, engine="netcdf4").load().close()
    except (ValueError, OverflowError):
        return False
    return True


def test_every_recorded_file(shared_data):
    folder = shared_data / "science" / "netcdf"
    files = [path for path in sorted(folder.glob("*/*")) if path.suffix in {".nc", ".h5", ".hdf5"} and opens(path)]
    assert len(files) > 30
    rows, faults = [], []
    with Inspector(timeout_s=LIMIT_S) as inspector:
        for path in files:
            began = time.monotonic()
            found = inspector.inspect(path, HREF + path.name)
            seconds = time.monotonic() - began
            if found.references is None:
                verdict = found.findings[-1].message if found.findings else ""
                faults += [] if verdict else [f"{path.name}: neither references nor a reason"]
            else:
                wrong = differing(aimed(found.references, path), path)
                told = ", ".join(finding.code for finding in found.findings)
                verdict = f"equal{f' ({told})' if told else ''}" if not wrong else f"DIFFERS: {wrong}"
                faults += [f"{path.name}: {name} differs" for name in wrong]
            faults += [f"{path.name} took {seconds:.0f} s"] if seconds > LIMIT_S else []
            rows.append((f"{path.parent.name}/{path.name}", found.ncml.count(b"<variable "), verdict))
    width = max(len(name) for name, _, _ in rows)
    print("\n" + "\n".join(f"{name:{width}} {count:4} {verdict[:120]}" for name, count, verdict in rows))
    assert faults == []
    referenced = [name for name, _, verdict in rows if verdict.startswith("equal")]
    for part in ("imr_ctd/", "seaice/", "profiles/", "gruan/", "promice/"):
        assert all(name in referenced for name, _, _ in rows if name.startswith(part))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("test_vlen2.nc", "user-defined type"),
        ("NEONDSTowerTemperatureData.hdf5", "user-defined type"),
    ],
)
def test_file_that_cannot_be_referenced_says_why(shared_data, name, reason):
    with Inspector() as inspector:
        found = inspector.inspect(shared_data / "science/netcdf/generic" / name, HREF + name)
    assert found.readable
    assert found.references is None
    assert reason in found.findings[-1].message
