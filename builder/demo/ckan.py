"""A CKAN action API with invented weather stations."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import orjson

from builder.demo.science import STATIONS, Station

ORGANIZATION = {
    "id": "org-geus-demo",
    "name": "geus-demo",
    "title": "Demo ice-sheet survey (synthetic)",
    "type": "organization",
}


def packages(files: str) -> list[dict[str, Any]]:
    """Return the packages, sorted by id.

    Args:
        files: Address under which the stations' files are served.
    """
    return [_package(number, station, files) for number, station in enumerate(STATIONS, 1)]


def _package(number: int, station: Station, files: str) -> dict[str, Any]:
    point = orjson.dumps({"type": "Point", "coordinates": [station.longitude, station.latitude]}).decode()
    name = station.id.lower().replace("_", "-")
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "name": f"aws-{name}",
        "title": f"Synthetic weather station {station.id}",
        "notes": f"Invented hourly weather, July 2018, **{station.id}**, {station.elevation_m:.0f} m above the sea.",
        "license_id": "cc-by-4.0",
        "license_title": "Creative Commons Attribution 4.0",
        "metadata_created": "2018-08-01T09:00:00.000000",
        "metadata_modified": "2018-08-02T09:00:00.000000",
        "organization": ORGANIZATION,
        "author": "Demo ice-sheet survey",
        "state": "active",
        "private": False,
        "type": "dataset",
        "tags": [{"name": "weather"}, {"name": "ice sheet"}, {"name": "Greenland"}],
        "extras": [
            {"key": "spatial", "value": point},
            {"key": "temporal-extent-begin", "value": "2018-07-01"},
            {"key": "temporal-extent-end", "value": "2018-07-30"},
            {"key": "Observing system name", "value": "Automatic weather stations on the Greenland ice sheet"},
            {"key": "Principal Investigator", "value": "Nuka Møller"},
            {"key": "Parameter name(s)", "value": "air temperature, air pressure, wind speed"},
        ],
        "resources": [
            _resource(number, 1, f"{station.id}_hour.nc", files, "NetCDF"),
            _resource(number, 2, f"{station.id}_hour.csv", files, "CSV"),
        ],
    }


def _resource(number: int, part: int, name: str, files: str, kind: str) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8{part:03d}-{number:012d}",
        "name": name,
        "url": f"{files}{name}",
        "format": kind,
        "mimetype": None,
        "size": None,
        "state": "active",
    }


def answer(action: str, query: str, files: str) -> tuple[int, bytes]:
    """Answer one action: HTTP status and JSON envelope."""
    asked = {key: values[-1] for key, values in parse_qs(query).items()}
    known = packages(files)
    results: dict[str, object] = {
        "package_search": _search(known, asked),
        "package_list": [package["name"] for package in known],
        "organization_list": [ORGANIZATION["name"]],
        "status_show": {"ckan_version": "2.12.0", "site_title": "Demo weather stations (synthetic)"},
    }
    shown = [package for package in known if asked.get("id") in {package["id"], package["name"]}]
    if action == "package_show":
        return _ok(action, shown[0]) if shown else _error(404, "Not Found Error", "Not found")
    if action not in results:
        return _error(400, "Bad Request", f"Action name not known: {action}")
    return _ok(action, results[action])


def _search(known: list[dict[str, Any]], asked: dict[str, str]) -> dict[str, object]:
    start, rows = int(asked.get("start", 0)), min(int(asked.get("rows", 10)), 1000)
    return {"count": len(known), "sort": "id asc", "results": known[start : start + rows]}


def _ok(action: str, result: object) -> tuple[int, bytes]:
    return 200, orjson.dumps({"help": f"/api/3/action/help_show?name={action}", "success": True, "result": result})


def _error(status: int, kind: str, message: str) -> tuple[int, bytes]:
    return status, orjson.dumps({"success": False, "error": {"__type": kind, "message": message}})
