"""A small CKAN action API as a WSGI application: its envelopes, its cap on rows, and a list that changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

Package = dict[str, Any]


class Portal:
    """A CKAN with packages; ``before`` is called with the portal and the number of each package_search from 1.

    Args:
        packages: What it holds; deleted and private ones are not listed, as in CKAN.
        cap: Most packages per page, whatever ``rows`` asks (CKAN's default is 1000).
        before: Changes the portal between pages.
        search_down: package_search answers as when Solr is away.
        escaped: Letters beyond ASCII are escaped in the JSON, as CKAN does.
    """

    def __init__(
        self,
        packages: Iterable[Package],
        *,
        cap: int = 1000,
        before: Callable[[Portal, int], None] = lambda _portal, _number: None,
        search_down: bool = False,
        escaped: bool = True,
    ) -> None:
        self.packages = {package["id"]: package for package in packages}
        self.searches = 0
        self._cap = cap
        self._before = before
        self._search_down = search_down
        self._escaped = escaped

    def app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a GET of the action API."""
        action = environ["PATH_INFO"].rpartition("/")[2]
        args = dict(parse_qsl(environ["QUERY_STRING"]))
        answer = getattr(self, f"_{action}", None)
        code, content = answer(args) if answer else (400, {"__type": "Bad Request", "message": "no such action"})
        envelope = {"help": f"http://127.0.0.1/api/3/action/help_show?name={action}", "success": code == 200}
        envelope["result" if code == 200 else "error"] = content
        start_response(f"{code} -", [("Content-Type", "application/json;charset=utf-8")])
        return [json.dumps(envelope, ensure_ascii=self._escaped).encode()]

    def _package_search(self, args: dict[str, str]) -> tuple[int, Any]:
        self.searches += 1
        self._before(self, self.searches)
        if self._search_down:
            return 500, {"__type": "Search Error", "message": "SOLR returned an error: Connection refused"}
        found = [p for p in self._public() if _matches(p, args.get("q", "*:*")) and _filtered(p, args.get("fq", ""))]
        found.sort(key=lambda p: p["id"] if args.get("sort", "").startswith("id") else p.get("metadata_modified", ""))
        start, rows = int(args.get("start", 0)), min(int(args.get("rows", 10)), self._cap)
        page = found[start : start + rows]
        return 200, {"count": len(found), "sort": args.get("sort"), "facets": {}, "results": page, "search_facets": {}}

    def _package_list(self, _args: dict[str, str]) -> tuple[int, Any]:
        return 200, sorted(package["name"] for package in self._public())

    def _package_show(self, args: dict[str, str]) -> tuple[int, Any]:
        for package in self.packages.values():
            if args.get("id") in {package["id"], package["name"]}:
                if package.get("state", "active") == "active" and not package.get("private"):
                    return 200, package
                return 403, {"__type": "Authorization Error", "message": "Access denied"}
        return 404, {"__type": "Not Found Error", "message": "Not found"}

    def _public(self) -> list[Package]:
        return [p for p in self.packages.values() if p.get("state", "active") == "active" and not p.get("private")]


def make_package(number: int, **fields: Any) -> Package:
    """Make a package as CKAN gives it."""
    name = f"dataset-{number:04d}"
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "name": name,
        "title": name.title(),
        "notes": "Målinger i Arktis",
        "state": "active",
        "private": False,
        "metadata_modified": f"2024-01-{number % 28 + 1:02d}T00:00:00.000001",
        "organization": {"name": "imr" if number % 2 else "awi"},
        "resources": [{"id": f"r{number}", "url": f"https://example.org/{name}.nc", "format": "NetCDF"}],
        **fields,
    }


def _matches(package: Package, query: str) -> bool:
    return query in {"", "*:*"} or query.lower() in json.dumps(package).lower()


def _filtered(package: Package, fq: str) -> bool:
    """Read the filters that the adapter writes: organisation, ids, and time of change; others let everything pass."""
    organization = re.search(r'organization:"?([\w-]+)"?', fq)
    ids = re.search(r"\bid:\(([^)]*)\)", fq)
    since = re.search(r"metadata_modified:\[(\S+) TO \*\]", fq)
    return (
        (organization is None or package.get("organization", {}).get("name") == organization[1])
        and (ids is None or f'"{package["id"]}"' in ids[1].split(" OR "))
        and (since is None or package.get("metadata_modified", "") >= since[1].rstrip("Z"))
    )
