"""A catalogue read over HTTP by ranges, from servers that keep to them or not, and from any folder."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from builder.search import Client
from builder.search.places import TAIL, files_of
from builder.stac.layout import COLLECTIONS_TABLE
from tests.servers.local import Answer, LocalServer

DATA = bytes(range(256)) * 300


def test_a_server_that_forgets_its_ranges_is_read_all_the_same():
    asked = []

    def answer(request):
        asked.append(request.path)
        if len(asked) > 1:
            return Answer(200, {}, DATA)
        return Answer(206, {"Content-Range": f"bytes {len(DATA) - TAIL}-{len(DATA) - 1}/{len(DATA)}"}, DATA[-TAIL:])

    with LocalServer(answer) as server, files_of(server.url).open("a b#1.parquet") as file:
        file.seek(7)
        assert file.read(9) == DATA[7:16]
        file.seek(-9, 2)
        assert file.read(20) == DATA[-9:]
    assert asked == ["/a%20b%231.parquet"] * 2


def test_a_collection_without_items_has_no_table(tmp_path):
    def row(name, assets):
        return {"id": name, "links": [{"rel": "self", "href": f"./p/{name}/collection.json"}], "assets": assets}

    rows = [row("full", {"items": {"href": "./items.parquet"}}), row("bare", {"items": None}), row("none", None)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / COLLECTIONS_TABLE)
    client = Client.open(str(tmp_path))
    assert client.tables == {"bare": "", "full": "p/full/items.parquet", "none": ""}
    assert client.search(collections="bare,none").matched() == 0


def test_the_root_of_all_folders_is_a_folder():
    assert files_of("/").href("catalog.json") == "/catalog.json"
