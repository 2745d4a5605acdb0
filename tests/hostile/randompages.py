"""What must hold for answers of the page's reader to random files: rows, places and drawings found by hand."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import random
import subprocess
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import xarray as xr

from builder.enrich.guard import file_kind
from builder.enrich.references import build_references
from builder.errors import UnreferenceableError
from builder.pages.snippets import xarray_references
from builder.resources import site_folder
from builder.serve import serve
from tests.hostile import randomshapes
from tests.hostile.pagequestions import away, chosen, question, understood
from tests.hostile.randomshapes import lay

BUNDLE = site_folder() / "static" / "app" / "reading.js"
SCRIPT = Path(__file__).with_name("ask_page.mjs")
QUESTIONS = 4
CLOSE = {"time": 6.0, "lon": 2e-5, "lat": 2e-5}
"""Milliseconds and degrees that 32-bit numbers do not tell apart."""


def prepared(folder: Path, seed: int, url: str):
    """Make a random file with references, and questions to it; nothing where it cannot be written or referenced."""
    laid = lay(folder / f"pages-{seed:06d}.nc", seed)
    chance = random.Random(f"pages {seed}")
    try:
        randomshapes.write(laid, seed)
        made, _, _ = build_references(laid.path, file_kind(laid.path), laid.path.name)
    except (ValueError, OverflowError, UnreferenceableError):
        return None
    laid.path.with_suffix(".json").write_bytes(made.aimed(f"{url}{laid.path.name}"))
    laid.path.with_suffix(".local.json").write_bytes(made.aimed(str(laid.path)))
    known = {name: understood(laid, name) for name in laid.numbers}
    asked = [question(laid, known[chance.choice(laid.numbers)], chance) for _ in range(QUESTIONS)]
    return laid, known, asked


def answers(prepared_files, folder: Path, url: str):
    """Ask the page's reader all questions to all files, in one process."""
    jobs = [
        {
            "references": f"{url}{laid.path.stem}.json",
            "crs": "EPSG:3413" if laid.mapped else "",
            "opening": xarray_references(str(laid.path.with_suffix(".local.json")), "file"),
            "questions": asked,
        }
        for laid, _, asked in prepared_files
    ]
    (folder / "jobs.json").write_text(json.dumps(jobs))
    done = subprocess.run(
        ["node", str(SCRIPT), str(BUNDLE), str(folder / "jobs.json")], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


def compared(known, asked, answer) -> str:
    """Hold one answer against what was found by hand; return the difference, or an outcome."""
    possible = chosen(known, asked)
    if "error" in answer:
        nothing = answer["error"] == f"ReadError empty: {known.name}" and all(one.empty for one in possible)
        return "nothing" if nothing else f"WRONG {answer['error']}"
    said = [
        differing(known, asked, one, answer) or _placed(asked, one, answer) or drawn(known, asked, one, answer)
        for one in possible
    ]
    return f"WRONG {said[0]}" if all(said) else "same"


def differing(known, asked, rows, answer) -> str:
    """Compare the table of an answer with rows; say the first difference."""
    heading, *lines = csv.reader(answer["csv"].splitlines())
    names = [name.partition(" [")[0] for name in heading]
    units = dict(zip(names, (name.partition(" [")[2].removesuffix("]") for name in heading), strict=True))
    cells = dict(zip(names, zip(*lines, strict=True), strict=True))
    values = np.array([*map(number, cells[known.name])])
    if not alike(values, rows.v, rtol=1e-6):
        return f"values {values[:9]} ({len(values)}), by hand {rows.v.to_numpy()[:9]} ({len(rows)})"
    for role, (name, unit) in known.coordinates.items():
        if role == "depth" and known.depth != "depth":
            continue
        if units.get(name) != unit:
            return f"unit of {name} is {units.get(name)}"
        found = [*map(moment if unit == "UTC" else number, cells[name])]
        if not alike(found, rows[role], rtol=1e-7, atol=CLOSE.get(role, 0)):
            return f"{name} {cells[name][:9]}, by hand {rows[role].to_numpy()[:9]}"
    for dim in {*known.dims} - {*known.along.values()}:
        if not alike([*map(number, cells.get(dim, ()))], rows[f"at {dim}"]):
            return f"index {dim}"
    if asked["kind"] == "subset" and known.place in {"cells", "projected"}:
        return _located(names[-3:-1], cells, rows)
    return ""


def _located(names, cells, rows) -> str:
    """Compare latitudes and longitudes of cells that do not follow rows and columns."""
    latitudes, longitudes = ([*map(number, cells[name])] for name in names)
    if not alike(latitudes, rows.lat, atol=1e-6):
        return f"latitudes {latitudes[:9]}, by hand {rows.lat.to_numpy()[:9]}"
    apart = (np.array(longitudes) - rows.lon + 180) % 360 - 180
    if not alike(apart * np.cos(np.radians(rows.lat)), np.where(apart.isna(), np.nan, 0.0), atol=1e-6):
        return f"longitudes {longitudes[:9]}, by hand {rows.lon.to_numpy()[:9]}"
    return ""


def number(cell):
    return float(cell) if cell else np.nan


def moment(cell):
    """Return milliseconds since 1970."""
    return (np.datetime64(cell.removesuffix("Z"), "ms").astype(int)) if cell else np.nan


def alike(found, wanted, rtol=0.0, atol=0.0):
    return len(found) == len(wanted) and np.allclose(found, wanted, rtol=rtol, atol=atol, equal_nan=True)


def drawn(known, asked, rows, answer) -> str:
    """Compare the curve or picture of an answer with rows; say what differs."""
    if asked["kind"] == "map":
        y, x = ("lat", "lon") if known.place == "grid" else ("y", "x")
        ordered = rows.sort_values([f"at {known.along.get(y, y)}", f"at {known.along.get(x, x)}"])
        width = rows[f"at {known.along.get(x, x)}"].nunique()
        found = answer["picture"]
        same = found["width"] == width and alike([*map(float, found["values"])], ordered.v, rtol=1e-6)
        return "" if same else f"picture {found}, by hand {ordered.v.to_numpy()[:9]}"
    if asked["kind"] in {"series", "profile"}:
        axis = "time" if asked["kind"] == "series" else known.depth
        ordered = rows[rows[axis].notna()].sort_values(axis, kind="stable")
        scale = 1000.0 if axis == "time" and known.real else 1.0
        y = [np.nan if value is None else value for value in answer["curve"]["y"]]
        if not (alike(answer["curve"]["x"], ordered[axis] / scale, 1e-7, 0.006) and alike(y, ordered.v, 1e-6)):
            return f"curve {answer['curve']}, by hand {ordered[[axis, 'v']].to_numpy()[:9]}"
    return ""


def _placed(asked, rows, answer) -> str:
    """Compare the place and distance that the page names with the row's own."""
    if "point" not in asked:
        return ""
    here = rows.iloc[:1]
    metres = float(away(asked["point"], here.lon, here.lat)[0])
    if answer.get("away") is None or abs(answer["away"] * 1000 - metres) > 3:
        return f"{answer.get('away')} km away, by hand {metres / 1000}"
    longitude, latitude = answer.get("place") or (np.nan, np.nan)
    if not away((longitude, latitude), here.lon, here.lat)[0] < 3:
        return f"at {longitude} {latitude}, by hand {here.lon.item()} {here.lat.item()}"
    return ""


def printed(laid, known, asked, code, folder: Path) -> str:
    """Run the code that the page prints; what it writes holds the same values, save for ends of valid ranges."""
    part = folder / "part.nc"
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(code.replace('"part.nc"', repr(str(part))), {})
    except Exception as trouble:
        return f"WRONG the printed code: {type(trouble).__name__}: {trouble}"
    with xr.open_dataset(part) as cut:
        found = cut[known.name].to_numpy().ravel().astype(float)
        units = cut[known.name].attrs.get("units")
    if units != laid.written[known.name][3]["units"]:
        return f"WRONG the printed code loses units: {units}"
    masked = "box" in asked and known.place in {"cells", "projected"}
    for rows in chosen(known, asked):
        wanted = rows.v.to_numpy()
        if masked:  # cells beside the box are missing, those inside may be
            found, wanted = found[~np.isnan(found)], wanted[~np.isnan(wanted)]
            if "valid_range" in laid.written[known.name][3]:
                return ""
        free = np.isnan(wanted) & ("valid_range" in laid.written[known.name][3])
        if len(found) == len(wanted) and np.allclose(found[~free], wanted[~free], rtol=1e-6, equal_nan=True):
            return ""
    return f"WRONG the printed code gives {found[:9]} ({len(found)}), by hand {wanted[:9]} ({len(wanted)})"


def pages(kind: str, folder: Path, seeds: range) -> Counter[str]:
    """Ask the page's reader questions to random files; return the outcomes.

    Raises:
        AssertionError: Answers are not those found by hand.
    """
    outcomes, wrong = judged(*asked_of(folder, seeds), folder)
    assert not wrong, "\n".join([f"{kind}: {len(wrong)} wrong", *wrong])
    return outcomes


def asked_of(folder: Path, seeds: range):
    """Return random files with questions, and the answers of the page's reader."""
    with warnings.catch_warnings(), serve(folder) as server:
        warnings.simplefilter("ignore")
        files = [one for seed in seeds if (one := prepared(folder, seed, server.url))]
        return files, answers(files, folder, server.url)


def judged(files, answered, folder: Path) -> tuple[Counter[str], list[str]]:
    """Hold answers, and of each file the printed code of the first, against what was found by hand."""
    outcomes, wrong = Counter(), []
    for (laid, known, asked), got in zip(files, answered, strict=True):
        said = [offered(laid, known, got)] if "error" not in got else [f"WRONG {got['error']}"]
        for number, (one, answer) in enumerate(zip(asked, got.get("answers", ()), strict=False)):
            outcome = compared(known[one["variable"]], one, answer)
            if outcome == "same" and number == 0:
                outcome = printed(laid, known[one["variable"]], one, answer["python"], folder) or outcome
            said.append(f"{outcome} {one}" if outcome.startswith("WRONG") else outcome)
        outcomes.update(one for one in said if one and not one.startswith("WRONG"))
        wrong += [f"{laid.path.stem} {laid.shape}: {one}" for one in said if one.startswith("WRONG")]
    return outcomes, wrong


def offered(laid, known, got) -> str:
    """Hold what the page offers to ask against what there is."""
    for name in laid.numbers:
        kinds = got["offered"].get(name)
        if kinds != known[name].kinds:
            return f"WRONG offers {kinds} of {name}, by hand {known[name].kinds}"
    return ""
