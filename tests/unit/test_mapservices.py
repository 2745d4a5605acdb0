"""What map services say they draw: capabilities after OGC 06-042, asked once a run, and what becomes of the links."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.datafiles.mapservices import MapServices, capabilities_address, polar_layers
from builder.dataset import Link
from builder.errors import ProtocolError
from builder.gathering.compose import depends_on_more
from builder.memory.checked import forget_checks
from builder.memory.state import State
from builder.pages.policy import CONTENT_SECURITY, policy
from builder.pages.services import services
from builder.serve import running
from builder.sources.http import HttpGate
from builder.stac.extensions import WEB_MAP_LINKS
from tests.stac_sample import DEFINITION, FULL
from tests.unit.test_stac_item import item_of

CAPABILITIES = """<?xml version="1.0" encoding="UTF-8"?>
<WMS_Capabilities version="1.3.0" xmlns="http://www.opengis.net/wms">
 <Service><Name>WMS</Name><Title>Ice</Title></Service>
 <Capability>
  <Request><GetMap><Format>image/jpeg</Format><Format>image/png</Format></GetMap></Request>
  <Layer><Title>All</Title><CRS>EPSG:4326</CRS><CRS>EPSG:3413</CRS>
   <Layer><Name>TEMP</Name><Title>Temperature</Title><CRS>EPSG:3575</CRS></Layer>
   <Layer><Title>Group</Title><CRS>EPSG:3995</CRS>
    <Layer><Name>PSAL</Name><Title>Salinity</Title></Layer>
   </Layer>
  </Layer>
  <Layer><Name>flat</Name><Title>Only in degrees</Title><CRS>CRS:84</CRS></Layer>
 </Capability>
</WMS_Capabilities>"""


def test_layers_inherit_reference_systems():
    assert polar_layers(CAPABILITIES.encode()) == {
        "TEMP": ["EPSG:3413", "EPSG:3575"], "PSAL": ["EPSG:3413", "EPSG:3995"],
    }  # fmt: skip


def test_what_a_page_cannot_use_is_not_offered():
    assert polar_layers(CAPABILITIES.replace("image/png", "image/tiff").encode()) == {}
    for wrong in (CAPABILITIES.replace("WMS_Capabilities", "WMT_MS_Capabilities"), "<html/>", "no XML"):
        with pytest.raises(ProtocolError):
            polar_layers(wrong.encode())


class Server:
    """Answers with capabilities, or as it is told."""

    body = CAPABILITIES.encode()
    status = "200 OK"

    def __init__(self):
        self.asked = []

    def __call__(self, environ, start):
        self.asked.append(environ["QUERY_STRING"])
        start(self.status, [("Content-Length", str(len(self.body))), ("Content-Type", "text/xml")])
        return [self.body]


def dataset_at(url):
    (wms,) = [one for one in FULL.resources if one.service == "wms"]
    others = tuple(one for one in FULL.resources if one.service != "wms")
    return replace(FULL, resources=(*others, replace(wms, href=f"{url}wms?map=a&layers=TEMP,other")))


def test_a_service_is_asked_once_a_run_and_its_layers_reach_the_page(tmp_path):
    app, state = Server(), State(tmp_path / "s", tmp_path / "s", tmp_path / "s")
    with running(lambda url: app) as server, HttpGate([server.url[7:-1]], delay_s=0, sleep=lambda s: None) as gate:
        told = MapServices(state).told(gate, dataset_at(server.url))
        MapServices(state).told(gate, dataset_at(server.url))
        assert app.asked == ["map=a&service=WMS&request=GetCapabilities&version=1.3.0"]
        harvested = replace(FULL, links=(Link("wms", f"{server.url}wms?map=a", extra={"wms:layers": ["PSAL"]}),))
        (link,) = MapServices(state).told(gate, harvested).links
        assert link.extra["iaos:map_crs"]["PSAL"] == ["EPSG:3413", "EPSG:3995"]
    item, _ = item_of(told)
    (link,) = [one for one in item["links"] if one["rel"] == "wms"]
    assert link["wms:layers"] == ["TEMP", "other"]
    assert link["iaos:map_crs"] == {"TEMP": ["EPSG:3413", "EPSG:3575"]}, "its own layers only"
    assert WEB_MAP_LINKS in item["stac_extensions"]
    (offered,) = services(item)
    assert (offered["layer"], offered["codes"]) == ("TEMP", ["EPSG:3413", "EPSG:3575"])
    origin = server.url.rstrip("/")
    assert policy(services=(offered,)) == {"csp": CONTENT_SECURITY.replace("data:", f"data: {origin}")}


def test_a_service_that_is_away_is_what_it_was(tmp_path):
    app, state = Server(), State(tmp_path / "s", tmp_path / "s", tmp_path / "s")
    with running(lambda url: app) as server, HttpGate([server.url[7:-1]], delay_s=0, sleep=lambda s: None) as gate:
        before = MapServices(state).drawn(gate, f"{server.url}wms")
    forget_checks(state)
    with HttpGate([server.url[7:-1]], delay_s=0, sleep=lambda s: None) as gate:
        assert MapServices(state).drawn(gate, f"{server.url}wms") == before != {}
    forget_checks(state)
    with HttpGate(["partner.example"], delay_s=0, sleep=lambda s: None) as gate:
        assert MapServices(state).drawn(gate, f"{server.url}wms") == {}
        assert gate.requests == 0


@pytest.mark.parametrize(("status", "gone"), [("500 Oops", False), ("503 Later", False), ("404 Not Found", True)])
def test_a_service_in_passing_trouble_is_what_it_was(tmp_path, monkeypatch, status, gone):
    app, state = Server(), State(tmp_path / "s", tmp_path / "s", tmp_path / "s")
    with running(lambda url: app) as server, HttpGate([server.url[7:-1]], delay_s=0, sleep=lambda s: None) as gate:
        before = MapServices(state).drawn(gate, f"{server.url}wms")
        forget_checks(state)
        monkeypatch.setattr(app, "status", status)
        assert MapServices(state).drawn(gate, f"{server.url}wms") == ({} if gone else before)


def test_a_damaged_answer_of_a_service_that_is_away_is_none(tmp_path):
    app, state = Server(), State(tmp_path / "s", tmp_path / "s", tmp_path / "s")
    with running(lambda url: app) as server, HttpGate([server.url[7:-1]], delay_s=0, sleep=lambda s: None) as gate:
        MapServices(state).drawn(gate, f"{server.url}wms")
    forget_checks(state)
    (name,) = state.kept("maps")
    state.keep(name, b'{"TEMP": ["EPSG')
    with HttpGate([server.url[7:-1]], delay_s=0, sleep=lambda s: None) as gate:
        assert MapServices(state).drawn(gate, f"{server.url}wms") == {}


def test_an_address_that_is_none_costs_the_record_nothing(tmp_path):
    state = State(tmp_path / "s", tmp_path / "s", tmp_path / "s")
    with HttpGate(["x"], delay_s=0, sleep=lambda s: None) as gate:
        told = MapServices(state).told(gate, replace(FULL, links=(Link("wms", "https://[x/wms"),)))
    assert told.links == (Link("wms", "https://[x/wms"),)


def test_what_has_a_map_service_is_asked_for_again_the_next_night():
    plain = replace(FULL, resources=(), links=())
    served = replace(plain, links=(Link("wms", "https://maps.example/wms"),))
    assert [depends_on_more(DEFINITION, one) for one in (plain, served, FULL)] == [False, True, True]


def test_restricted_services_and_other_addresses_are_not_offered():
    link = {"rel": "wms", "href": "https://maps.example/wms", "wms:layers": ["a"], "iaos:map_crs": {"a": ["EPSG:3413"]}}
    assert len(services({"links": [link]})) == 1
    for wrong in (
        {"auth:refs": ["login"]},
        {"href": "javascript:1"},
        {"href": "./wms"},
        {"iaos:map_crs": {"b": ["x"]}},
    ):
        assert services({"links": [link | wrong]}) == ()
    hostile = {"href": "https://a.example;script-src *"}
    assert policy(services=(link | hostile,)) == {}


def test_addresses_keep_what_names_the_service():
    told = capabilities_address("https://maps.example/wms?map=ice&LAYERS=conc&request=GetMap")
    assert told == "https://maps.example/wms?map=ice&service=WMS&request=GetCapabilities&version=1.3.0"
