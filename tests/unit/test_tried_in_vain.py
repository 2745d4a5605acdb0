"""What is known of a file stays for nights in which it cannot be had, or not be looked into."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from builder.build import Request, build
from builder.enrich.inspect import Inspector
from builder.findings import error
from tests.servers.local import Answer, LocalServer
from tests.unit.test_memo_data import HEAD, grid


class Partner:
    """A listing with one file, which may be refused; and the catalogue that is made of it."""

    def __init__(self, folder):
        self.folder, self.status, self.looks = folder, 200, 0
        (folder / "collections").mkdir()

    def answer(self, request):
        body = (self.folder / "a.nc").read_bytes()
        if request.path == "/":
            row = f'<a href="a.nc">a.nc</a> 2020-01-01 12:00 {len(body)}\n'
            return Answer(200, {}, f"<html><title>Index of /</title><pre>{row}</pre></html>".encode())
        if self.status == "page":
            return Answer(200, {}, b"<html>Please log in</html>")
        return Answer(200, {}, body) if self.status == 200 else Answer(self.status)

    def night(self, url):
        """Build; return the item but for its references, whether it has these, and the codes of all findings."""
        self.looks = 0
        (self.folder / "collections/ice.yaml").write_text(
            f"{HEAD}source: {{type: files, url: '{url}/', delay_s: 0}}\npolicies: {{combine: false}}\n"
        )
        report = build(Request(*(self.folder / name for name in ("collections", "out", "state"))), lambda _: None)
        item = json.loads((self.folder / "out/imr/ice/a.nc.json").read_bytes())
        has = item["assets"].pop("references", None) is not None
        where = (item["bbox"], item["properties"]["datetime"], item["properties"].get("cube:dimensions"))
        return where, has, {one.code for one in report.collections[0].findings}


@pytest.fixture
def partner(tmp_path):
    grid(tmp_path / "a.nc", 1)
    return Partner(tmp_path)


def renew(partner, days):
    """Have the partner publish another file under the same name; its size tells."""
    grid(partner.folder / "a.nc", 1, seed=2)
    with (partner.folder / "a.nc").open("ab") as file:
        file.write(bytes(days))


@pytest.mark.parametrize("status", [403, 404, "page"])
@pytest.mark.parametrize("renewed", [True, False])
def test_an_item_is_where_and_when_it_was_while_its_file_cannot_be_had(partner, status, renewed):
    with LocalServer(partner.answer) as server:
        first, *said = partner.night(server.url)
        assert said == [True, set()]
        partner.status = status
        for days in (1, 2):
            if renewed:
                renew(partner, days)
            where, has, codes = partner.night(server.url)
            assert where == first
            if renewed or status != 403:
                why = "netcdf.not-netcdf" if status == "page" else "netcdf.unreachable"
                assert (has, codes) == (False, {why})
        partner.status = 200
        assert partner.night(server.url) == (first, True, set())


def test_a_file_whose_reading_takes_too_long_is_read_once_a_run_and_keeps_its_item(partner, monkeypatch):
    def late(self, _, blank, **__):
        partner.looks += 1
        return replace(blank, findings=(error("netcdf.timeout", blank.href, "reading the file took too long"),))

    with LocalServer(partner.answer) as server:
        first, *_ = partner.night(server.url)
        with monkeypatch.context() as hurrying:
            hurrying.setattr(Inspector, "_look", late)
            for days in (1, 2):
                renew(partner, days)
                assert partner.night(server.url) == (first, False, {"netcdf.timeout"})
                assert partner.looks == 1
        assert partner.night(server.url) == (first, True, set())
