"""Copies of files that several records or collections name, and their address."""

from __future__ import annotations

import json

import pytest

from builder.build import Request, build
from tests.encodings import write
from tests.servers.ranged import ranged

RECORD = """\
  - id: {name}
    title: Of {name}
    description: Told.
    start: 2020-01-01
    end: 2020-01-02
    bbox: [10, 70, 20, 80]
    files: [{{href: '{base}/odd.nc', roles: [data]}}]
"""
DEFINITION = """\
id: {collection}
title: Odd files
description: Made by a test.
partner: {{id: test, name: Test}}
license: CC-BY-4.0
policies: {{copies: true, combine: false}}
source:
  type: files
  delay_s: 0
  fetch_hosts: ['{host}']
  records:
"""


@pytest.fixture
def base(tmp_path):
    """Serve a file that references cannot express."""
    for name in ("partner", "collections", "out"):
        (tmp_path / name).mkdir()
    write("h5_scale_offset", tmp_path / "partner/odd.nc")
    with ranged(tmp_path / "partner") as (address, _):
        yield address


def define(folder, base, collection, *names):
    text = DEFINITION.format(collection=collection, host=base.removeprefix("http://"))
    records = "".join(RECORD.format(name=name, base=base) for name in names)
    (folder / f"collections/{collection}.yaml").write_text(text + records)


def built(folder, url="https://one.example/"):
    return build(Request(folder / "collections", folder / "out", folder / "state", base_url=url), lambda _: None)


def read_from(folder, collection, item):
    """Return the addresses that the references of an item lead to."""
    references = json.loads((folder / f"out/test/{collection}/references/{item}.json").read_bytes())
    return {value[0] for value in references["refs"].values() if isinstance(value, list)}


def test_records_that_name_one_file_share_its_copy(tmp_path, base):
    define(tmp_path, base, "odd", "a", "b")
    assert built(tmp_path).exit_status == 0
    (copy,) = (tmp_path / "out/test/odd/data").iterdir()
    for item in "ab":
        assert read_from(tmp_path, "odd", item) == {f"https://one.example/test/odd/data/{copy.name}"}
    assert not list(built(tmp_path).plan)
    define(tmp_path, base, "odd", "b", "c")
    assert built(tmp_path).exit_status == 0
    for item in "bc":
        assert read_from(tmp_path, "odd", item) == {f"https://one.example/test/odd/data/{copy.name}"}


def test_versions_of_a_file_that_changed_between_two_looks_both_stand(tmp_path, base):
    define(tmp_path, base, "odd", "a", "b")
    built(tmp_path)
    path = tmp_path / "collections/odd.yaml"
    path.write_text(path.read_text().replace("policies: {", "policies: {recheck: false, ").replace("Of b", "Of B"))
    write("fletcher32_shuffle_64", tmp_path / "partner/odd.nc")
    assert built(tmp_path).exit_status == 0  # only the file of the record that changed was looked into anew
    (old,), (new,) = (read_from(tmp_path, "odd", item) for item in "ab")
    assert old != new
    published = {one.name for one in (tmp_path / "out/test/odd/data").iterdir()}
    assert published == {old.rpartition("/")[2], new.rpartition("/")[2]}


def test_references_of_each_collection_lead_to_its_own_copy(tmp_path, base):
    for collection in ("even", "odd"):
        define(tmp_path, base, collection, "a")
    assert built(tmp_path).exit_status == 0
    for collection in ("even", "odd"):
        (copy,) = (tmp_path / f"out/test/{collection}/data").iterdir()
        assert read_from(tmp_path, collection, "a") == {f"https://one.example/test/{collection}/data/{copy.name}"}


def test_references_follow_the_catalogue_to_another_address(tmp_path, base):
    define(tmp_path, base, "odd", "a")
    for url in (None, "https://one.example/", "https://two.example/"):
        assert built(tmp_path, url).exit_status == 0
    (copy,) = (tmp_path / "out/test/odd/data").iterdir()
    assert read_from(tmp_path, "odd", "a") == {f"https://two.example/test/odd/data/{copy.name}"}
