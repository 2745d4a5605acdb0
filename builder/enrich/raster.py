"""Looks into GeoTIFF files without trusting them: grid, reference system, and whether they are cloud-optimised."""

from __future__ import annotations

import subprocess
import sys
from hashlib import file_digest
from pathlib import Path
from typing import Any

import orjson

from builder.dataset import Projection
from builder.enrich.inspection import Inspection
from builder.findings import warning

TIMEOUT_S = 60
GEOTIFF = "image/tiff; application=geotiff"
COG = f"{GEOTIFF}; profile=cloud-optimized"


def inspect_raster(path: Path, href: str) -> Inspection:
    """Describe a GeoTIFF with a child process of its own (stactools' raster item, rio-cogeo's validation).

    Args:
        path: Local file.
        href: Its public address, for findings.

    Raises:
        OSError: The local file cannot be read.
    """
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    said = _ask(path)
    if "refused" in said:
        reason = warning("raster.unreadable", href, f"GeoTIFF {said['refused']}", "ask the partner to check the file")
        return Inspection(href, size, digest, findings=(reason,))
    kind = COG if said["cog"] else GEOTIFF
    return Inspection(href, size, digest, projection=_projection(said["item"], said["wkt"]), media_type=kind)


def _ask(path: Path) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "builder.enrich.rasterworker", str(path.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True)  # noqa: S603  (our own)
        return dict(orjson.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return {"refused": f"took longer than {TIMEOUT_S} s to read"}
    except (subprocess.CalledProcessError, orjson.JSONDecodeError):
        return {"refused": "ended the process that read it"}


def _projection(properties: dict[str, Any], wkt: str | None) -> Projection:
    rows, columns = properties["proj:shape"]
    a, b, c, d, e, f = properties["proj:transform"][:6]
    xs = [c + a * column + b * row for column in (0, columns) for row in (0, rows)]
    ys = [f + d * column + e * row for column in (0, columns) for row in (0, rows)]
    return Projection(
        code=None if wkt else properties.get("proj:code"),
        wkt2=wkt,
        bbox=(min(xs), min(ys), max(xs), max(ys)),
        shape=(rows, columns),
        transform=(a, b, c, d, e, f),
    )
