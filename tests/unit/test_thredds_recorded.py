"""Every recorded THREDDS document gives the counts that PROVENANCE.md states."""

from __future__ import annotations

import re

from builder.errors import ProtocolError
from builder.invcatalog import NotACatalog, read_catalog, single

FIGURES = ("datasets", "opendap", "latest", "refs", "containers", "alias", "undefined_service", "dup_ids", "services")
NO_INVENTORY = frozenset({".das", ".dds", ".json", ".nc", ".csv", ".txt", ".html", ".empty"})


def expectations(folder):
    """Rows of the THREDDS table: file name and what it says to expect."""
    for line in (folder / "PROVENANCE.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|\n ").split(" | ")]
        if cells[0].startswith("`thredds/"):
            yield cells[0].strip("`"), cells[-1].removesuffix(" |")


def figures(text):
    found = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", text)}
    return {name: found.get(name, 0) for name in FIGURES}


def found_in(path, name):
    try:
        return read_catalog(path.read_bytes(), f"http://localhost:8080/{name}").counts
    except NotACatalog as trouble:
        return f"root <{trouble.kind}>"


def test_counts_of_every_recorded_catalogue(shared_data, capsys):
    folder = shared_data / "harvest"
    rows = []
    for name, expected in expectations(folder):
        path = folder / name
        if path.suffix in NO_INVENTORY:
            continue
        wanted = expected if expected.startswith("root") else figures(expected if expected != "-" else "")
        rows.append((name, wanted, found_in(path, name)))
    with capsys.disabled():
        for name, wanted, found in rows:
            differs = "" if wanted == found else "   <-- differs"
            print(f"{name} | {brief(wanted)} | {brief(found)}{differs}")
    assert len(rows) > 45
    assert [(name, wanted, found) for name, wanted, found in rows if wanted != found] == []
    counted = [found for _, _, found in rows if isinstance(found, dict)]
    # The totals of the summary table of PROVENANCE.md.
    assert [sum(found[name] for found in counted) for name in ("datasets", "refs", "latest")] == [617, 232, 15]


def brief(figures):
    if isinstance(figures, str):
        return figures
    return ", ".join(f"{name} {number}" for name, number in figures.items() if number) or "-"


def catalogues(folder):
    for path in sorted((folder / "harvest" / "thredds").rglob("*.xml")):
        try:
            yield read_catalog(path.read_bytes(), f"http://localhost:8080/thredds/{path.name}")
        except ProtocolError:
            continue


def test_a_single_dataset_says_the_same_alone(shared_data):
    alone = 0
    for catalog in catalogues(shared_data):
        for dataset in catalog.datasets:
            body = single(dataset, catalog)
            again = read_catalog(body, "http://elsewhere.example.org/x.xml")
            (copy,) = again.datasets
            assert [(a.url, a.service.kind) for a in copy.access] == [(a.url, a.service.kind) for a in dataset.access]
            assert (copy.name, copy.id, copy.url_path) == (dataset.name, dataset.id, dataset.url_path)
            assert single(copy, again) == body
            alone += 1
    assert alone == 617
