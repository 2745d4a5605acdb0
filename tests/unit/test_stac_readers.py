"""Other people's readers open what we write: pystac, pystac-client and stac-validator."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from pathlib import Path

import pystac
import pystac_client
import pytest
from stac_validator.stac_validator import StacValidate

import builder.checks
from tests.stac_sample import objects, tree

SCHEMAS = Path(builder.checks.__file__).parent / "schemas"
SCHEMA_MAP = {"https://" + file.relative_to(SCHEMAS).as_posix(): str(file) for file in SCHEMAS.rglob("*.json")}
ITEMS = {"ctd_2020", "buoy", "mooring", "closed"}


@pytest.fixture(params=[False, True], ids=["flat", "years"])
def folder(request, tmp_path):
    for path, data in tree(request.param).items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return tmp_path


@pytest.fixture
def address(folder):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/catalog.json"
        server.shutdown()
        thread.join()


def walk(catalog):
    """Every object below a catalogue, with its parent."""
    for child in catalog.get_children():
        assert child.get_parent().id == catalog.id
        yield child
        yield from walk(child)
    for item in catalog.get_items(recursive=False):
        assert item.get_parent().id == catalog.id
        yield item


@pytest.mark.filterwarnings("ignore::pystac_client.warnings.PystacClientWarning")
def test_pystac_client_walks_everything_from_disk(folder):
    client = pystac_client.Client.open(str(folder / "catalog.json"))
    found = list(walk(client))
    assert {item.id for item in found if isinstance(item, pystac.Item)} == ITEMS
    assert {item.id for item in found if isinstance(item, pystac.Collection)} == {"ctd", "planned"}
    item = next(item for item in found if item.id == "ctd_2020")
    assert item.get_collection().id == "ctd"
    assert item.get_root().id == "iaos"
    assert Path(item.assets["explain"].get_absolute_href()).is_file()


@pytest.mark.filterwarnings("ignore::pystac_client.warnings.PystacClientWarning")
def test_pystac_client_walks_everything_over_http(address):
    found = list(walk(pystac_client.Client.open(address)))
    assert {item.id for item in found if isinstance(item, pystac.Item)} == ITEMS
    assert all(item.self_href.startswith("http://127.0.0.1:") for item in found)


def test_pystac_reads_every_value_back(folder):
    for path, written in objects(by_year=(folder / "imr/ctd/2020").is_dir()).items():
        read = pystac.read_file(str(folder / path)).to_dict(include_self_link=False, transform_hrefs=False)
        for key in set(written) - {"links", "stac_extensions"}:
            assert read[key] == written[key], (path, key)
        assert set(read.get("stac_extensions", ())) == set(written["stac_extensions"])


def test_stac_validator_agrees_with_local_schemas(folder):
    for path in objects():
        validator = StacValidate(str(folder / path), schema_map=SCHEMA_MAP)
        assert validator.run(), json.dumps(validator.message, indent=1)
        assert validator.message[0]["valid_stac"] is True


def test_stac_validator_rejects_what_is_broken(folder):
    file = folder / "imr/ctd/ctd_2020.json"
    stac = json.loads(file.read_bytes())
    stac["properties"]["sci:doi"] = "none"
    file.write_text(json.dumps(stac))
    assert not StacValidate(str(file), schema_map=SCHEMA_MAP).run()
