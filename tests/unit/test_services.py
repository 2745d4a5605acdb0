"""Processing services that answer: OGC API - Processes with plain requests, WPS with OWSLib."""

from __future__ import annotations

import json
import sys
import threading
import time

import numpy as np
import pystac
import pytest
import rasterio
import requests
import xarray as xr
from owslib.ogcapi.processes import Processes
from owslib.wps import ASYNC, SYNC, ComplexDataInput, WebProcessingService

from builder.cli import main
from builder.errors import UsageError
from builder.serve import serve
from builder.services.jobs import Jobs
from builder.services.wps import WpsService
from builder.services.wpsjobs import MOST_KEPT, Executions
from processors.registry import find_processors


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    lon, lat = np.arange(2.0, 360, 4), np.arange(60.0, 90, 2)
    ramp = np.broadcast_to(lat[:, None], (1, lat.size, lon.size))
    data = {
        "lon": ("lon", lon, {"standard_name": "longitude"}),
        "lat": ("lat", lat, {"standard_name": "latitude"}),
        "time": ("time", [0.0], {"units": "days since 2020-01-01", "standard_name": "time"}),
        "warmth": (("time", "lat", "lon"), ramp, {"units": "K"}),
    }
    xr.Dataset(data).to_netcdf(folder / "grid.nc")
    (folder / "index.html").write_text("<p>the catalogue</p>")
    with serve(folder, engine="inline") as running:
        yield running


def asked(server, **more):
    return {"inputs": {"grid": {"href": f"{server.url}grid.nc"}, "resolution": 300000, **more}}


def post(server, body, **headers):
    return requests.post(f"{server.url}ogc/processes/regrid/execution", json=body, headers=headers, timeout=60)


def test_the_catalogue_is_still_there_and_the_landing_page_leads_on(server):
    assert "the catalogue" in requests.get(server.url, timeout=9).text
    landing = requests.get(f"{server.url}ogc/", timeout=9).json()
    links = {link["rel"].rsplit("/", 1)[-1]: link["href"] for link in landing["links"]}
    classes = requests.get(links["conformance"], timeout=9).json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in classes
    listed = requests.get(links["processes"], timeout=9).json()["processes"]
    assert [one["id"] for one in listed] == list(find_processors().processors)
    assert listed[0]["jobControlOptions"] == ["sync-execute", "async-execute"]
    described = requests.get(listed[-1]["links"][0]["href"], timeout=9).json()
    assert described["links"][0]["href"].endswith("/execution")
    assert "item" in described["outputs"]


def test_a_synchronous_run_gives_products_and_a_stac_item(server):
    answer = post(server, asked(server, variable="warmth"))
    assert answer.status_code == 200, answer.text
    results = answer.json()
    assert results["map.tif"]["type"].startswith("image/tiff")
    body = requests.get(results["map.tif"]["href"], timeout=9).content
    with rasterio.MemoryFile(body) as file, file.open() as made:
        assert np.nanmax(made.read(1)) == 88
    part = requests.get(results["map.tif"]["href"], headers={"Range": "bytes=0-3"}, timeout=9)
    assert (part.status_code, part.content) == (206, body[:4])
    item = pystac.Item.from_dict(requests.get(results["item"]["href"], timeout=9).json())
    assert item.assets["map.tif"].href == results["map.tif"]["href"]
    assert item.properties["iaos:process"]["parameters"]["resolution"] == 300000
    assert item.datetime.year == 2020


@pytest.mark.parametrize("wait", [True, False])
def test_owslib_runs_processes_by_the_ogc_api(server, wait):
    api = Processes(f"{server.url}ogc/")
    assert {one["id"] for one in api.processes()} == set(find_processors().processors)
    assert api.process("regrid")["inputs"]["resolution"]["title"]
    answer = api.execute("regrid", asked(server, variable="warmth")["inputs"], async_=not wait)
    if wait:
        assert requests.get(answer["map.tif"]["href"], timeout=9).content[:2] == b"II"
    else:
        assert answer["status"] in {"accepted", "running", "successful"}


def test_an_asynchronous_run_is_followed_listed_and_dismissed(server):
    answer = post(server, asked(server), Prefer="respond-async")
    assert (answer.status_code, answer.json()["type"]) == (201, "process")
    place = answer.headers["Location"]
    deadline = time.monotonic() + 60
    while requests.get(place, timeout=9).json()["status"] in {"accepted", "running"} and time.monotonic() < deadline:
        time.sleep(0.1)
    status = requests.get(place, timeout=9).json()
    assert status["status"] == "successful"
    (results,) = [link["href"] for link in status["links"] if link["rel"].endswith("/results")]
    assert set(requests.get(results, timeout=9).json()) == {"map.tif", "map.png", "item"}
    jobs = requests.get(f"{server.url}ogc/jobs", timeout=9).json()["jobs"]
    assert status["jobID"] in {job["jobID"] for job in jobs}
    assert requests.delete(place, timeout=9).json()["status"] == "dismissed"
    assert requests.get(place, timeout=9).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"inputs": {"resolutoin": 1}}, 400, "did you mean `resolution`?"),
        ({"inputs": {}}, 400, "needs at least 1 input `grid`"),
        ({"inputs": {"grid": "/etc/passwd"}}, 400, "given by reference"),
        ({"inputs": {"grid": {"href": "/etc/passwd"}}}, 400, "is no address"),
        ({"inputs": {"grid": {"href": "file:///etc/passwd"}}}, 400, "not allowed"),
        ({"inputs": {"grid": {"href": "http://127.0.0.1:9/grid.nc"}}}, 400, "not allowed"),
        ({"inputs": [1]}, 400, "must be an object"),
    ],
)
def test_what_cannot_be_run_is_refused_in_words(server, body, status, says):
    answer = post(server, body)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert says in answer.json()["detail"]


def test_what_is_not_there_and_what_other_sites_ask_is_refused(server):
    assert requests.get(f"{server.url}ogc/processes/none", timeout=9).status_code == 404
    assert requests.get(f"{server.url}ogc/jobs/none/results", timeout=9).status_code == 404
    assert requests.get(f"{server.url}ogc/jobs/none/files/map.tif", timeout=9).status_code == 404
    assert requests.get(f"{server.url}ogc/processes/regrid/execution", timeout=9).status_code == 405
    address = f"{server.url}ogc/processes/regrid/execution"
    plain = requests.post(address, data=json.dumps(asked(server)), headers={"Content-Type": "text/plain"}, timeout=9)
    assert plain.status_code == 415, "what a page of another site may post without asking"
    assert post(server, asked(server), Host="evil.example.org").status_code == 403
    assert post(server, asked(server), **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    preflight = requests.options(address, timeout=9)
    assert "POST" not in preflight.headers["Access-Control-Allow-Methods"]


def test_owslib_lists_describes_and_runs(server):
    wps = WebProcessingService(f"{server.url}wps")
    assert [one.identifier for one in wps.processes] == list(find_processors().processors)
    described = wps.describeprocess("regrid")
    assert {"grid", "resolution", "time"} <= {one.identifier for one in described.dataInputs}
    source = ComplexDataInput(f"{server.url}grid.nc", mimeType="application/netcdf")
    given = [("grid", source), ("resolution", "300000"), ("limits", "[60, 90]"), ("time", "last")]
    run = wps.execute("regrid", given, output=[("item", False)], mode=SYNC)
    assert run.isSucceded(), [error.text for error in run.errors]
    item = json.loads(run.processOutputs[0].data[0])
    assert item["properties"]["iaos:process"]["parameters"]["limits"] == [60.0, 90.0]
    assert requests.get(item["assets"]["map.tif"]["href"], timeout=9).content[:2] == b"II"


def test_owslib_is_told_why_a_run_fails(server):
    wps = WebProcessingService(f"{server.url}wps")
    source = ComplexDataInput("http://127.0.0.1:9/grid.nc", mimeType="application/netcdf")
    run = wps.execute("regrid", [("grid", source)], output=[("item", False)], mode=SYNC)
    assert not run.isSucceded()
    assert "not allowed" in run.errors[0].text


def followed(server, address, **parameters):
    """Run without waiting, and ask how it stands until it has ended."""
    wps = WebProcessingService(f"{server.url}wps")
    source = ComplexDataInput(address, mimeType="application/netcdf")
    given = [("grid", source), *parameters.items()]
    run = wps.execute("regrid", given, output=[("item", False)], mode=ASYNC)
    assert run.statusLocation.startswith(f"{server.url}wps/status/")
    return until_ended(run)


def until_ended(run):
    for _ in range(200):
        if run.isComplete():
            break
        run.checkStatus(sleepSecs=0.1)
    return run


def test_owslib_follows_a_run_that_it_does_not_wait_for(server):
    run = followed(server, f"{server.url}grid.nc", resolution="300000")
    assert run.isSucceded(), [error.text for error in run.errors]
    item = json.loads(run.processOutputs[0].data[0])
    assert requests.get(item["assets"]["map.tif"]["href"], timeout=9).content[:2] == b"II"
    kept = requests.get(run.statusLocation, timeout=9)
    assert (kept.status_code, kept.headers["Cache-Control"]) == (200, "no-store")
    assert requests.get(f"{server.url}wps/status/another.xml", timeout=9).status_code == 404
    assert requests.get(f"{server.url}wps/{run.statusLocation.rpartition('/')[2]}", timeout=9).status_code == 404


def test_the_status_of_a_run_that_fails_says_why(server):
    run = followed(server, "http://127.0.0.1:9/grid.nc")
    assert not run.isSucceded()
    assert "not allowed" in run.errors[0].text


def test_a_run_that_is_not_waited_for_is_accepted_before_it_has_ended(server, monkeypatch):
    gate, work = threading.Event(), Jobs._make
    monkeypatch.setattr(Jobs, "_make", lambda *given: gate.wait(20) and work(*given))
    wps = WebProcessingService(f"{server.url}wps")
    given = [("grid", ComplexDataInput(f"{server.url}grid.nc", mimeType="application/netcdf"))]
    run = wps.execute("regrid", given, output=[("item", False)], mode=ASYNC)
    run.checkStatus(sleepSecs=0.2)
    assert run.status in {"ProcessAccepted", "ProcessStarted"}
    gate.set()
    until_ended(run)
    assert run.isSucceded()


def test_status_documents_of_the_oldest_executions_are_forgotten():
    kept = Executions("http://127.0.0.1/wps/status", 1)
    for number in range(MOST_KEPT + 2):
        kept.write("<a/>", f"{number}.xml")
    kept.write("<b/>", "2.xml")
    kept.close()
    assert (len(kept.documents), kept.documents["2.xml"], "1.xml" in kept.documents) == (MOST_KEPT, "<b/>", False)


def test_without_pywps_a_server_of_processors_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pywps", None)
    with pytest.raises(UsageError, match=r"need pywps .*pip install 'iaos\[serve\]', or --no-processes"):
        WpsService(Jobs(tmp_path, "http://127.0.0.1:1/"))


def test_without_an_engine_only_files_are_served(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with serve(tmp_path) as running:
        assert requests.get(f"{running.url}ogc/processes", timeout=9).status_code == 404
        assert requests.get(f"{running.url}a.txt", timeout=9).text == "a"


@pytest.mark.parametrize(
    ("options", "host", "ogc"),
    [
        ([], "127.0.0.1", 200),
        (["--no-processes"], "127.0.0.1", 404),
        (["--processes", "--host", "localhost"], "localhost", 200),
    ],
)
def test_the_command_listens_where_it_is_told_and_runs_processors_where_wanted(
    tmp_path, monkeypatch, capsys, options, host, ogc
):
    seen = []
    monkeypatch.setattr(
        "builder.serve.Server.wait",
        lambda self: seen.append((self.url, requests.get(f"{self.url}ogc/processes", timeout=9).status_code)),
    )
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(tmp_path), "--port", "0", *options])
    assert (ended.value.code or 0, seen[0][0].startswith(f"http://{host}:"), seen[0][1]) == (0, True, ogc)
    assert ("/wps" in capsys.readouterr().out) == (ogc == 200)


def test_the_engine_of_the_server_is_an_option(tmp_path, monkeypatch):
    (tmp_path / "grid.nc").write_bytes(b"nothing")
    said = []
    monkeypatch.setattr("builder.serve.Server.wait", lambda self: said.append(post(self, asked(self)).json()["detail"]))
    with pytest.raises(SystemExit):
        main(["serve", str(tmp_path), "--port", "0", "--engine", "spark"])
    assert "unknown engine 'spark'" in said[0]
