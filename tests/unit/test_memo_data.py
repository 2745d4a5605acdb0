"""An item whose data file has not changed is not composed again; one whose file has changed always is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys

import netCDF4
import numpy as np
import pytest

from builder.build import Request, build
from builder.enrich.inspect import ChildLostError, Inspector
from builder.gathering import compose as composing
from builder.gathering import making, stack
from builder.sources.webaccess import WebAccess
from tests.servers.ranged import ranged

DAYS = range(1, 5)
HEAD = """\
id: ice
title: Ice
description: Daily maps.
partner: {id: imr, name: IMR}
license: CC-BY-4.0
"""
FOLDER = "imr/ice"


def grid(path, day, seed=1):
    """A map of one day, 20 by 30 cells."""
    with netCDF4.Dataset(path, "w") as file:
        for name, count in (("time", 1), ("lat", 20), ("lon", 30)):
            file.createDimension(name, count)
        file.createVariable("time", "f8", ("time",)).setncatts(
            {"units": f"days since 2020-01-{day:02d}", "standard_name": "time"}
        )
        file["time"][:] = 0
        for name, first, last in (("lat", 60, 80), ("lon", 0, 58)):
            file.createVariable(name, "f8", (name,)).units = f"degrees_{'north' if name == 'lat' else 'east'}"
            file[name][:] = np.linspace(first, last, file.dimensions[name].size)
        values = np.random.default_rng(seed * 100 + day).random((1, 20, 30)).astype("f4")
        file.createVariable("ice", "f4", ("time", "lat", "lon"), zlib=True)[:] = values


class Scene:
    """Daily maps, and the catalogue that is made of them."""

    def __init__(self, folder, data, log):
        self.folder, self.data, self.log, self.composed = folder, data, log, []

    def draw(self):
        self.data.mkdir(parents=True)
        for day in DAYS:
            grid(self.data / f"ice_{day}.nc", day)

    def define(self, source, policies=""):
        (self.folder / "collections").mkdir(parents=True, exist_ok=True)
        policies = f"policies: {{{policies}}}\n" if policies else ""
        (self.folder / "collections/ice.yaml").write_text(f"{HEAD}{source}{policies}")

    def remote(self, base, policies=""):
        """Describe the maps as files of a partner's server."""
        records = [
            f"    - id: ice_{day}\n      title: Ice {day}\n      description: Told.\n      start: 2020-01-{day:02d}\n"
            f"      end: 2020-01-{day:02d}\n      files: [{{href: '{base}/ice_{day}.nc', roles: [data]}}]\n"
            for day in DAYS
        ]
        hosts = f"  fetch_hosts: ['{base.removeprefix('http://')}']\n"
        self.define(f"source:\n  type: files\n  delay_s: 0\n{hosts}  records:\n{''.join(records)}", policies)

    def night(self, *, harvest=False, out="out", state="state"):
        """Build; return the paths that were written and the ids of what was composed."""
        self.composed.clear()
        self.log.clear()
        request = Request(self.folder / "collections", self.folder / out, self.folder / state, no_harvest=not harvest)
        self.report = build(request, lambda _: None)
        written = {step.path for step in self.report.plan} - {"manifest.json", "status.html", "status.json"}
        return written, sorted(self.composed)

    def digests(self, out="out"):
        files = (file for file in (self.folder / out).rglob("*") if file.is_file())
        return {
            file.relative_to(self.folder / out).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
        }

    def from_nothing(self):
        """Build from the ledger alone; return the digests of the files."""
        shutil.copytree(self.folder / "state", self.folder / "anew-state")
        for file in [*(self.folder / "anew-state/ice").glob("made*"), self.folder / "anew-state/ice/combined.json"]:
            file.unlink()
        self.night(out="anew", state="anew-state")
        return self.digests("anew")

    def read(self, path):
        return json.loads((self.folder / "out" / path).read_bytes())

    def asset(self, day, name="references"):
        return self.read(f"{FOLDER}/ice_{day}.json")["assets"].get(name)


@pytest.fixture
def counted(monkeypatch):
    """Have a scene told of what is composed."""

    def count(scene):
        def composed(definition, record, *arguments, **named):
            scene.composed.append(record.identifier)
            return composing.compose(definition, record, *arguments, **named)

        monkeypatch.setattr(making, "compose", composed)
        return scene

    return count


@pytest.fixture
def local(tmp_path, counted):
    """Maps in the folder of the definition."""
    made = Scene(tmp_path, tmp_path / "collections/data", [])
    made.draw()
    return counted(made)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Maps on a partner's server, and the catalogue after its first night."""
    folder = tmp_path_factory.mktemp("first")
    with ranged(folder / "www") as (base, log):
        made = Scene(folder / "scene", folder / "www", log)
        made.base = base
        made.draw()
        made.remote(base)
        made.night(harvest=True)
        shutil.copytree(made.data, folder / "maps")
        yield made


@pytest.fixture
def remote(first, tmp_path, counted):
    """The same for one test."""
    shutil.rmtree(first.data)
    shutil.copytree(first.data.with_name("maps"), first.data)  # with their times, by which they are known
    shutil.copytree(first.folder, tmp_path / "scene")
    made = Scene(tmp_path / "scene", first.data, first.log)
    made.base = first.base
    return counted(made)


def test_a_night_without_news_asks_for_each_file_and_composes_nothing(remote):
    before = remote.digests()
    written, composed = remote.night()
    assert (written, composed) == (set(), [])
    asked = [method for method, path, _ in remote.log if path.startswith("/ice_")]
    assert asked.count("HEAD") == len(DAYS)
    assert len(asked) <= len(DAYS) + 1  # and one whether pages may read the host's files
    assert remote.digests() == before
    assert remote.report.collections[0].references == len(DAYS)


def test_only_the_item_of_a_file_that_changed_is_composed(remote):
    before = remote.asset(3)["iaos:source_etag"]
    grid(remote.data / "ice_3.nc", 3, seed=2)
    written, composed = remote.night()
    assert composed == ["ice_3"]
    assert {f"{FOLDER}/ice_3.json", f"{FOLDER}/references.json"} <= written
    assert not any("ice_2" in path for path in written)
    assert remote.asset(3)["iaos:source_etag"] != before
    assert remote.digests() == remote.from_nothing()


def test_a_file_that_changed_is_asked_for_once_and_fetched_once(remote):
    grid(remote.data / "ice_3.nc", 3, seed=2)
    remote.night()
    asked = [method for method, path, _ in remote.log if path == "/ice_3.nc"]
    assert asked.count("HEAD") == 1
    (remote.data / "ice_3.nc").touch()
    remote.night()
    again = [method for method, path, _ in remote.log if path == "/ice_3.nc"]
    steady = "HEAD"  # whether the server says the same of the same content each time; not for the version before
    assert again == [*asked, steady]


def test_an_item_whose_file_is_gone_has_no_references_any_more(remote):
    (remote.data / "ice_2.nc").unlink()
    assert remote.night()[1] == ["ice_2"]
    assert remote.asset(2) is None
    assert remote.report.collections[0].references == len(DAYS) - 1
    remote.night()
    grid(remote.data / "ice_2.nc", 2)
    remote.night()
    assert remote.asset(2) is not None


def test_pages_are_made_anew_when_a_host_lets_them_read(remote, monkeypatch):
    assert "iaos:web_readable" not in remote.asset(1)
    monkeypatch.setattr(WebAccess, "allowed", lambda *_: True)
    assert len(remote.night()[1]) == len(DAYS)
    assert remote.asset(1)["iaos:web_readable"]
    assert remote.night()[1] == []


def test_files_that_need_not_be_asked_for_are_not(remote):
    remote.remote(remote.base, "recheck: false")
    remote.night()
    grid(remote.data / "ice_3.nc", 3, seed=2)
    assert remote.night()[1] == []
    assert not [path for method, path, _ in remote.log if method == "HEAD"]


@pytest.mark.parametrize("damage", [None, b"{}"], ids=["lost", "damaged"])
def test_an_item_is_composed_again_where_what_was_found_in_its_file_is(remote, damage):
    before = remote.digests()
    kept = sorted(file for file in (remote.folder / "state/inspections").rglob("*") if file.is_file())
    assert len(kept) == len(DAYS)
    kept[0].unlink()
    if damage is not None:
        kept[0].write_bytes(damage)
    assert len(remote.night()[1]) == 1
    assert remote.digests() == before


def test_granules_are_joined_again_only_where_one_of_them_changed_or_the_result_is_lost(remote, monkeypatch):
    joined, join = [], stack.join_apart
    monkeypatch.setattr(stack, "join_apart", lambda parts, *given: joined.append(len(parts)) or join(parts, *given))
    before = remote.digests()
    remote.night()
    assert joined == []
    (remote.folder / "out" / FOLDER / "references.json").unlink()
    remote.night()
    assert joined == [4]
    assert remote.digests() == before
    grid(remote.data / "ice_1.nc", 1, seed=2)
    remote.night()
    assert joined == [4, 4]


def test_granules_whose_joining_failed_are_joined_the_next_night(remote, monkeypatch):
    (remote.folder / "out" / FOLDER / "references.json").unlink()
    before = remote.digests()

    def lost(*_):
        raise ChildLostError("netcdf.crashed", "joining failed: MemoryError")

    with monkeypatch.context() as failing:
        failing.setattr(stack, "join_apart", lost)
        remote.night()
    (said,) = remote.report.collections[0].findings
    assert (said.code, said.message) == ("netcdf.crashed", "not combined: joining failed: MemoryError")
    assert "references" not in remote.read(f"{FOLDER}/collection.json")["assets"]
    remote.night()
    assert remote.report.collections[0].findings == ()
    joined = (remote.folder / "out" / FOLDER / "references.json").read_bytes()
    assert len(json.loads(joined)["refs"]["ice/.zarray"]) > 0
    assert remote.digests().keys() == before.keys() | {f"{FOLDER}/references.json"}


def test_the_build_itself_does_not_load_what_joins(remote):
    (remote.folder / "out" / FOLDER / "references.json").unlink()
    code = (
        "import sys; from pathlib import Path; from builder.build import Request, build; f = Path(sys.argv[1])\n"
        "build(Request(f / 'collections', f / 'out', f / 'state', no_harvest=True), lambda _: None)\n"
        "print(sorted({'xarray', 'pandas', 'pyarrow', 'zarr', 'netCDF4'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, remote.folder], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert (remote.folder / "out" / FOLDER / "references.json").exists()


def test_what_is_said_of_granules_that_do_not_stack_is_said_every_night(remote):
    with netCDF4.Dataset(remote.data / "ice_4.nc", "a") as file:
        file.createVariable("more", "f4", ("lat",))[:] = 1
    for _ in range(2):
        remote.night()
        assert [one.code for one in remote.report.collections[0].findings].count("references.not-stacked") == 1
        assert not (remote.folder / "out" / FOLDER / "references.json").exists()


def test_a_local_file_is_copied_again_when_it_changes(local):
    local.define("source: {type: files, path: data}\n")
    assert len(local.night(harvest=True)[1]) == len(DAYS)
    assert local.night() == (set(), [])
    grid(local.data / "ice_2.nc", 2, seed=2)
    assert local.night()[1] == ["ice_2.nc"]
    copied = local.folder / "out" / FOLDER / local.read(f"{FOLDER}/ice_2.nc.json")["assets"]["data"]["href"]
    assert copied.read_bytes() == (local.data / "ice_2.nc").read_bytes()


def test_a_local_file_that_changes_while_it_is_looked_into_is_looked_into_again(local, monkeypatch):
    def inspect(self, path, href, **how):
        found = looked(self, path, href, **how)
        if path.name == "ice_2.nc":
            grid(path, 2, seed=2)
        return found

    looked = Inspector.inspect
    with monkeypatch.context() as changing:
        changing.setattr(Inspector, "inspect", inspect)
        local.define("source: {type: files, path: data}\n")
        local.night(harvest=True)
    assert local.night()[1] == ["ice_2.nc"]
    assert local.night() == (set(), [])


def test_a_local_file_that_nothing_is_looked_for_in_is_copied_again_too(local):
    local.define("source: {type: files, path: data}\n", "references: false")
    local.night(harvest=True)
    assert local.night() == (set(), [])
    changed = local.data / "ice_2.nc"
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    os.utime(changed, ns=(1, 1))
    assert local.night()[1] == ["ice_2.nc"]
    assert (local.folder / "out" / FOLDER / "data/ice_2.nc").read_bytes() == changed.read_bytes()
