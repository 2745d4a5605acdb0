"""What must hold for random files: references read as netCDF-C reads, and a build loses no file without a word."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from pathlib import Path
from unittest import mock

import orjson
import xarray as xr

from builder.build import Request, build
from builder.checks import check_folder
from builder.enrich import correct
from builder.enrich.guard import file_kind
from builder.enrich.references import make_references
from builder.errors import UnreferenceableError
from builder.findings import Severity
from tests.hostile.randomfiles import write
from tests.unit.test_references_matrix import differences, groups

DEFINITION = """\
id: random
title: Random files
description: Made by chance.
partner: {id: nobody, name: Nobody}
license: CC-BY-4.0
source: {type: files, path: data}
"""
READABLE = "same"
REASONS = (
    "has a user-defined type",
    "which Zarr readers do not know",
    "holds more text than references should carry",
    "shuffles its checksums among the values",
    "where netCDF-C reads noise",
    "HDF5 misplaces its chunks",
    "JSON knows no 32-bit numbers",
    "are out of proportion",
)
"""Why a valid file may be refused; anything else is a fault."""
FEW_BYTES = 64
"""Of every second file, variables of so many bytes already are referred to, not kept in the references."""
_VARIABLE = re.compile(r"variable \S+")


def referenced(kind: str, folder: Path, seed: int) -> str:
    """Make references of a random file; return what became of it.

    Raises:
        AssertionError: xarray reads through them otherwise than by netCDF-C.
    """
    path = write(kind, folder, seed)
    if path is None:
        return "not written"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with mock.patch.object(correct, "INLINE_BYTES", FEW_BYTES if seed % 2 else correct.INLINE_BYTES):
                body, _, findings = make_references(path, file_kind(path), str(path))
        except UnreferenceableError as refused:
            if not any(reason in refused.message for reason in REASONS):
                raise AssertionError(f"{kind} {seed}: {refused.message}") from refused
            return f"refused: {_VARIABLE.sub('variable …', refused.message)}"
        except (OSError, RuntimeError) as trouble:
            if "NetCDF: " not in str(trouble):
                raise
            return f"netCDF-C does not read it: {str(trouble).partition('NetCDF: ')[2].partition(':')[0]}"
        widened = any(finding.code == "netcdf.float32-packing" for finding in findings)
        known = [group for group in groups(path) if _xarray_reads(path, group)]
        found = [one for group in known for one in differences(path, body, group, widened=widened)]
    assert not found, f"{kind} {seed}: {found[:3]}"
    return READABLE if known else "xarray reads no group of the file itself"


def _xarray_reads(path: Path, group: str) -> bool:
    try:
        xr.open_dataset(path, engine="netcdf4", group=group or None).load()
    except Exception:
        return False
    return True


def built(kind: str, folder: Path, seeds: range) -> Counter[str]:
    """Build a catalogue of random files; return how many became items, and the codes of findings.

    Raises:
        AssertionError: A file is neither in the catalogue nor named in an error, or the catalogue is not valid.
    """
    (folder / "collections" / "data").mkdir(parents=True)
    (folder / "collections" / "random.yaml").write_text(DEFINITION)
    made = [path for seed in seeds if (path := write(kind, folder / "collections" / "data", seed))]
    out = folder / "out"
    run = build(Request(folder / "collections", out, folder / "state"), lambda _: None)
    findings = [finding for one in run.collections for finding in one.findings]
    unexpected = [str(finding) for finding in findings if finding.code == "record.unexpected"]
    assert not unexpected, unexpected
    catalogued = {Path(name).name for name in _assets(out)}
    refused = " ".join(str(finding) for finding in findings if finding.severity is Severity.ERROR)
    lost = [path.name for path in made if path.name not in catalogued and path.name not in refused]
    assert not lost, f"neither in the catalogue nor in an error: {lost}"
    _, said = check_folder(out)
    wrong = [str(finding) for finding in said if finding.severity is Severity.ERROR]
    assert not wrong, wrong
    counts = Counter(finding.code for finding in findings)
    return counts + Counter({"in the catalogue": sum(path.name in catalogued for path in made)})


def _assets(out: Path):
    for file in (out / "nobody").rglob("*.json"):
        stac = orjson.loads(file.read_bytes())
        if stac.get("type") in {"Feature", "Collection"}:
            yield from (asset["href"] for asset in stac.get("assets", {}).values())
