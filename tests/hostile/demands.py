"""The demands of the recorded hostile cases, one check each; their words are in the data's README."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import html5lib
import shapely.geometry
from html5lib.treewalkers import getTreeWalker

from builder.pages.markup import icon
from tests.hostile.night import CKAN, CONTROL, OAI, THREDDS, Nights

CANARY = b"IAOS-CANARY"
HEADER_SECONDS = 15
"""Most seconds that a file's header may take (documented in operation.md)."""

REASONS = {
    "dtd": ("source.protocol", "DOCTYPE"),
    "token-loop": ("source.protocol", "resumption token came again"),
    "malformed": ("source.protocol", "not well-formed|nested too deeply"),
    "encoding": ("source.protocol", "not well-formed"),
    "too-large": ("source.fetch", "unpacks to more than|larger than"),
    "bad-geometry": (r"geometry\..*", ""),
    "blocked-url": ("thredds.blocked-url", ""),
    "unsafe-hdf5": ("netcdf.unsafe", ""),
    "timeout": ("netcdf.timeout", ""),
    "crashed": ("netcdf.crashed", ""),
    "unreadable": ("netcdf.(unreadable|failed)", ""),
    "not-a-tiff": ("raster.unreadable", "is not a TIFF"),
    "unsafe-refs": ("references.unsafe", ""),
}
"""Reason of the README → code of our finding, and what its message says."""

WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)


def check(nights: Nights, case: str, demand: str) -> None:
    """Check one demand of one case; `A|B` holds where either does."""
    troubles = []
    for part in _alternatives(demand):
        name, _, wanted = part.partition(":")
        try:
            CHECKS[name](nights, case, wanted)
        except AssertionError as trouble:
            troubles.append(trouble)
        else:
            return
    raise troubles[0]


def _alternatives(demand: str) -> list[str]:
    """Split `quarantine:A|B` and `x:A=B|y:C`; an alternative without a name of its own shares the first one's."""
    name = demand.partition(":")[0]
    parts = demand.split("|")
    return [parts[0], *(part if part.partition(":")[0] in CHECKS else f"{name}:{part}" for part in parts[1:])]


def finish(nights: Nights, case: str, _: str) -> None:
    assert nights.good.status == 0, nights.good.said
    assert nights.bad.status == 3, nights.bad.said  # some sources failed: documented in commands.md
    assert "Traceback" not in nights.bad.said
    control = nights.reports[CONTROL]
    assert (control["failed"], control["complete"], control["items"]) == (False, True, 2)
    assert case in nights.reports


def good_kept(nights: Nights, case: str, _: str) -> None:
    titles, adapter = nights.titles(case), nights.cases[case]["adapter"]
    if adapter == OAI:
        expected = {"oai:good:1", "oai:good:2"}
    elif adapter == CKAN:
        found = json.loads((nights.data / case / "search.json").read_bytes())["result"]["results"]
        expected = {package["id"] for package in found if package["title"].startswith("Good")}
    else:
        expected = {"good.nc"}
    assert expected <= titles.keys()
    if adapter not in {OAI, CKAN, THREDDS}:
        assert nights.reports[case]["references"] >= 1


def last_good_kept(nights: Nights, case: str, _: str) -> None:
    assert {path.as_posix() for path in nights.objects(case)} <= nights.before[case]
    assert {"oai:good:1", "oai:good:2"} == nights.titles(case).keys()
    assert nights.reports[case]["failed"]
    assert not nights.reports[case]["harvested"]
    assert case in nights.bad.said  # "failed, last good kept: …"


def valid_catalog(nights: Nights, case: str, _: str) -> None:
    from pystac.validation import JsonSchemaSTACValidator

    files = sorted((nights.work.catalog / "hostile" / case).rglob("*.json"))
    for path in [*nights.work.catalog.glob("*.json"), *files]:
        strict(path)
    for path, stac in nights.stac[case].items():
        JsonSchemaSTACValidator().validate_core(stac, stac["type"], "1.1.0")
        hrefs = [link["href"] for link in stac["links"]] + [asset["href"] for asset in stac["assets"].values()]
        for href in hrefs:
            if not SCHEME.match(href):
                assert (Path(path).parent / href).is_file(), f"{path}: {href}"


def strict(path: Path) -> Any:
    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{path} holds {word}")

    return json.loads(path.read_text("utf-8"), parse_constant=refuse)


def no_canary(nights: Nights, _case: str, _: str) -> None:
    for path in nights.written():
        assert CANARY not in path.read_bytes(), path
    assert CANARY.decode() not in nights.good.said + nights.bad.said


def no_canary_request(nights: Nights, case: str, _: str) -> None:
    assert nights.logs[case]["canary"] == []


def no_escape(nights: Nights, _case: str, _: str) -> None:
    assert list(Path("/tmp").glob("iaos-escape*")) == []
    known = {"catalog", ".iaos", "collections", "good", "tmp", "said.txt"}
    assert {path.name for path in nights.work.folder.iterdir()} == known
    assert list((nights.work.folder / "tmp").iterdir()) == []


def no_active_html(nights: Nights, case: str, _: str) -> None:
    pages = [*nights.work.catalog.glob("*.html"), *(nights.work.catalog / "hostile" / case).rglob("*.html")]
    assert len(pages) > 7
    for page in pages:
        inert(page)


def inert(page: Path) -> None:
    """Hold a page, read as browsers do (WHATWG HTML, html5lib), to carry nothing that runs."""
    policies, asking = [], False
    for token in tokens(page):
        named = {key[1].lower(): value for key, value in token["data"].items()}
        if token["name"] == "meta" and named.get("http-equiv", "").lower() == "content-security-policy":
            policies.append(named["content"])
        assert not [name for name in named if name.startswith("on") or name in {"style", "srcdoc"}], (page, named)
        for name in ("href", "src", "action", "formaction", "data", "xlink:href"):
            address = named.get(name, "")
            if address == icon() and token["name"] in {"link", "img"}:
                continue  # a picture of ours, in which nothing runs
            scheme = SCHEME.match(re.sub(r"[\x00-\x20]", "", address))
            assert scheme is None or scheme[1].lower() in {"http", "https", "mailto"}, (page, named)
        assert token["name"] not in {"iframe", "object", "embed", "base", "style", "foreignObject"}, page
        assert token["name"] != "form" or named == {"role": "search", "action": "./search/index.html"}, page
        asking = asking or token["name"] == "form"
        if token["name"] == "script":
            own = re.fullmatch(r"(\.\./|\./)+static/(app/)?[a-z.-]+", named.get("src", ""))
            assert own or named.get("type") == "application/ld+json", (page, named)
    (policy,) = policies
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert {rules[name] for name in ("default-src", "base-uri", "object-src")} == {"'none'"}
    assert rules["form-action"] == ("'self'" if asking else "'none'")
    assert rules["script-src"] == rules["style-src"] == "'self'"


def tokens(page: Path) -> Iterator[dict[str, Any]]:
    tree = html5lib.parse(page.read_bytes(), treebuilder="etree", transport_encoding="utf-8")
    for token in getTreeWalker("etree")(tree):
        if token["type"] in {"StartTag", "EmptyTag"}:
            yield token


def keep_record(nights: Nights, case: str, wanted: str) -> None:
    names = {"bad-7": "00000000-0000-4000-8000-000000000007"}  # the id of that CKAN package
    assert names.get(wanted, wanted) in nights.titles(case)


def title_is(nights: Nights, case: str, wanted: str) -> None:
    identifier, _, title = wanted.partition("=")
    assert nights.titles(case)[identifier] == title


def count(nights: Nights, case: str, wanted: str) -> None:
    assert len(nights.stac[case]) == int(wanted) == nights.reports[case]["items"]


def distinct_files(nights: Nights, case: str, wanted: str) -> None:
    paths = {path: title for path, title in _titled(nights, case) if title.startswith("Bad id")}
    assert len(set(paths.values())) == len({path.lower() for path in paths}) == int(wanted)
    portable_names(nights, case, "")


def portable_names(nights: Nights, case: str, _: str) -> None:
    folder = nights.work.catalog / "hostile" / case
    for path in folder.rglob("*"):
        for part in path.relative_to(folder).parts:
            assert re.fullmatch(r"[A-Za-z0-9._-]{1,120}", part), path
            assert not WINDOWS.fullmatch(part), path
            assert not part.startswith(("-", ".", "~")), path


def _titled(nights: Nights, case: str) -> Iterator[tuple[str, str]]:
    for path, stac in nights.stac[case].items():
        yield path, (stac.get("properties") or stac)["title"]


def geometry_valid(nights: Nights, case: str, _: str) -> None:
    unlocated, told = set(), {finding["where"] for finding in _findings(nights, case, r"geometry\..*")}
    for stac in nights.stac[case].values():
        identifier = (stac.get("properties") or stac)["iaos:source"]["identifier"]
        box = stac["extent"]["spatial"]["bbox"][0] if stac["type"] == "Collection" else stac.get("bbox")
        if (stac.get("properties") or stac).get("iaos:unlocated"):
            unlocated.add(identifier)
            continue
        west, south, east, north = box
        assert -180 <= west <= 180
        assert -180 <= east <= 180
        assert -90 <= south <= north <= 90
        if stac.get("geometry"):
            assert shapely.geometry.shape(stac["geometry"]).is_valid
    words_without_place = {"oai:bad:4"}  # "north; south" names no degrees, as "Fram Strait" does not
    assert unlocated - words_without_place <= told, "a place that was left out is reported"
    assert unlocated


def antimeridian(nights: Nights, case: str, wanted: str) -> None:
    (stac,) = [one for one in nights.stac[case].values() if one.get("iaos:source", {}).get("identifier") == wanted]
    west, south, east, north = stac["extent"]["spatial"]["bbox"][0]
    assert (west, south, east, north) == (170, 70, -170, 80)  # as written in the record


def links_scheme(nights: Nights, case: str, wanted: str) -> None:
    allowed = set(wanted.split(","))
    folder = nights.work.catalog / "hostile" / case
    hrefs = {href for path in folder.rglob("*.json") for href in _hrefs(strict(path))}
    hrefs |= {
        value
        for page in folder.rglob("*.html")
        for token in tokens(page)
        for (_, key), value in token["data"].items()
        if key in {"href", "src"} and value != icon()
    }
    schemes = {found[1].lower() for found in map(SCHEME.match, hrefs) if found}
    assert schemes <= allowed
    assert "https" in schemes


def _hrefs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for key, text in value.items() if key in {"href", "url", "path"} and isinstance(text, str))
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _hrefs(part)


def _findings(nights: Nights, case: str, code: str) -> list[dict[str, Any]]:
    found = nights.reports[case].get("findings", [])
    return [finding for finding in found if re.fullmatch(code, finding["code"]) and finding["severity"] != "note"]


def report(nights: Nights, case: str, wanted: str) -> None:
    code, says = REASONS[wanted]
    told = _findings(nights, case, code)
    assert [finding for finding in told if re.search(says, finding["message"])], nights.reports[case]
    assert all(finding["where"] for finding in told)


def quarantine(nights: Nights, case: str, wanted: str) -> None:
    report(nights, case, wanted)
    told = [finding["where"] for finding in nights.reports[case]["findings"]]
    bad = [name for name in nights.cases[case]["files"] if not name.startswith("good")]
    for name in bad:
        assert [where for where in told if where.endswith(name)], name
        assert name not in nights.titles(case)
        assert not (nights.work.catalog / "hostile" / case / "data" / name).exists()


def source_failed(nights: Nights, case: str, wanted: str) -> None:
    report(nights, case, wanted)
    assert nights.reports[case]["failed"]


def requests_below(nights: Nights, case: str, wanted: str) -> None:
    assert len(nights.logs[case]["requests"]) < int(wanted)


def seconds_below(nights: Nights, case: str, wanted: str) -> None:
    """What bounds a file is the clock of the process that reads it, and the build ended; see `finish`."""
    late = _findings(nights, case, "netcdf.timeout")
    assert int(wanted) > HEADER_SECONDS
    assert not late or "mutants" in case


def rss_below_mb(nights: Nights, _case: str, wanted: str) -> None:
    assert nights.bad.rss_mb < int(wanted)


def no_text_in_output(nights: Nights, case: str, wanted: str) -> None:
    for path in (nights.work.catalog / "hostile" / case).rglob("*"):
        if path.is_file():
            assert wanted.encode() not in path.read_bytes(), path


def no_text_in_logs(nights: Nights, _case: str, wanted: str) -> None:
    assert wanted not in nights.good.said + nights.bad.said
    for path in (nights.work.folder / ".iaos").rglob("*"):
        if path.is_file():
            assert wanted.encode() not in path.read_bytes(), path


def csv_safe(nights: Nights, case: str, _: str) -> None:
    from builder.spreadsheet import harmless, original

    titles = [title for _, title in _titled(nights, case)]
    assert any(title.startswith("=") for title in titles)
    for path in [*nights.work.catalog.rglob("*.csv"), *nights.work.catalog.rglob("*.tsv")]:
        raise AssertionError(f"{path}: a new export; hold it to the same")
    cells = [harmless(title) for title in titles]  # what `iaos extract` writes its texts with
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r＝＋－＠")]
    assert [original(cell) for cell in cells] == titles


def html_has(nights: Nights, case: str, wanted: str) -> None:
    pages = (nights.work.catalog / "hostile" / case).rglob("*.html")
    links = {value for page in pages for token in tokens(page) for value in token["data"].values()}
    assert wanted in links


def reject_model(nights: Nights, case: str, _: str) -> None:
    """Nothing here loads a pickle (see test_no_pickles), so the file stays what it is: bytes with a name."""
    no_escape(nights, case, "")
    assert nights.reports[case]["failed"] is False


Check = Callable[[Nights, str, str], None]
CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        finish, good_kept, last_good_kept, valid_catalog, no_canary, no_canary_request, no_escape, no_active_html,
        keep_record, title_is, count, distinct_files, portable_names, geometry_valid, antimeridian, links_scheme,
        report, quarantine, source_failed, requests_below, seconds_below, rss_below_mb, no_text_in_output,
        no_text_in_logs, csv_safe, html_has, reject_model,
    )
}  # fmt: skip
CHECKS["reject_response"] = source_failed
