"""Makes kerchunk references into a NetCDF product, for readers that fetch no more of it than they need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def references_beside(path: Path) -> bytes:
    """Return kerchunk references, as JSON, into a NetCDF-4 file that will lie beside them."""
    from kerchunk.hdf import SingleHdf5ToZarr

    made: dict[str, Any] = SingleHdf5ToZarr(str(path), inline_threshold=500).translate()
    text = json.dumps({"version": 1, "refs": made["refs"]}, sort_keys=True, separators=(",", ":"))
    return text.replace(json.dumps(str(path)), json.dumps(path.name)).encode()
