"""Asks partners' map services which layers they draw in the polar reference systems of the pages (WMS)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from builder.errors import FetchError, ProtocolError
from builder.memory.checked import check, checked
from builder.memory.state import State, cache_name
from builder.stac.links import WMS_PARAMETERS
from builder.strictxml import local_name, parse_xml

if TYPE_CHECKING:
    from lxml import etree

    from builder.dataset import Dataset
    from builder.sources.http import HttpGate

POLAR = ("EPSG:3413", "EPSG:3995", "EPSG:6931", "EPSG:3575")
"""Reference systems of the live map (``site/src/lib/projections.ts``)."""
MOST_BYTES = 20 * 2**20

Drawn = Mapping[str, list[str]]
"""Layer → the codes of `POLAR` in which it is drawn."""


@dataclass
class MapServices:
    """Knows of map services what a page may offer of them.

    Each is asked once a run; one that does not answer is what it was before.

    Args:
        state: Where the last answers are remembered.
    """

    state: State
    _known: dict[str, Drawn] = field(default_factory=dict)

    def told(self, gate: HttpGate, dataset: Dataset) -> Dataset:
        """Return a dataset whose map services say in which systems they draw their layers (``iaos:map_crs``)."""
        resources = tuple(
            replace(one, extra={**one.extra, "iaos:map_crs": drawn})
            if one.service == "wms" and not one.restricted and (drawn := self.drawn(gate, one.href))
            else one
            for one in dataset.resources
        )
        links = tuple(
            replace(one, extra={**one.extra, "iaos:map_crs": drawn})
            if one.rel == "wms" and (drawn := _of(one.extra.get("wms:layers", ()), self.drawn(gate, one.href)))
            else one
            for one in dataset.links
        )
        return replace(dataset, resources=resources, links=links)

    def drawn(self, gate: HttpGate, url: str) -> Drawn:
        """Return what a service draws in a polar system as PNG; nothing where it cannot be asked."""
        try:
            address = capabilities_address(url)
        except ValueError:  # no address at all, such as https://[x/wms; it will be no link either
            return {}
        if address not in self._known:
            self._known[address] = self._ask(gate, address)
        return self._known[address]

    def _ask(self, gate: HttpGate, address: str) -> Drawn:
        name = cache_name("maps", address)
        if not gate.allows(address):
            return {}
        if not checked(self.state, name):
            try:
                found = gate.read(address, lambda answer: polar_layers(answer.body), max_bytes=MOST_BYTES)
                self.state.keep(name, json.dumps(found).encode())
            except ProtocolError:
                self.state.keep(name, b"{}")
            except FetchError as trouble:
                if trouble.status is not None and not trouble.passing:
                    self.state.keep(name, b"{}")
            check(self.state, name)
        try:
            known: Drawn = json.loads(self.state.read(name) or b"{}")
        except ValueError:  # damaged
            return {}
        return known


def offers_maps(dataset: Dataset) -> bool:
    """Tell whether a dataset names map services, whose answers may change without its record."""
    return any(one.service == "wms" for one in dataset.resources) or any(one.rel == "wms" for one in dataset.links)


def capabilities_address(url: str) -> str:
    """Return the address at which a service describes itself.

    >>> capabilities_address("https://maps.example/wms?map=ice&LAYERS=conc&request=GetMap")
    'https://maps.example/wms?map=ice&service=WMS&request=GetCapabilities&version=1.3.0'
    """
    parts = urlsplit(url)
    kept = [
        (key, value)
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
        if key.lower() not in WMS_PARAMETERS
    ]
    asked = [("service", "WMS"), ("request", "GetCapabilities"), ("version", "1.3.0")]
    return urlunsplit(parts._replace(query=urlencode([*kept, *asked]), fragment=""))


def _of(layers: Any, drawn: Drawn) -> Drawn:
    """Return what is drawn of the layers that a link names, whatever stands there."""
    named = layers if isinstance(layers, list | tuple) else ()
    return {layer: drawn[layer] for layer in named if isinstance(layer, str) and layer in drawn}


def polar_layers(body: bytes) -> dict[str, list[str]]:
    """Read capabilities of WMS 1.3.0 (OGC 06-042, section 7.2.4): layers that have a name, and their polar systems.

    Layers inherit the systems of those around them. A service of another version, or that draws no PNG, has none.

    Raises:
        ProtocolError: It is no capabilities document.
    """
    root = parse_xml(body, where="WMS capabilities")
    if local_name(root) != "WMS_Capabilities":
        raise ProtocolError("no capabilities of WMS 1.3.0", where="WMS capabilities")
    formats = {
        (one.text or "").strip() for request in root.iter("{*}GetMap") for one in request.iterchildren("{*}Format")
    }
    if "image/png" not in formats:
        return {}
    tops = (layer for part in root.iterchildren("{*}Capability") for layer in part.iterchildren("{*}Layer"))
    return {name: codes for top in tops for name, codes in _below(top, frozenset()) if codes}


def _below(layer: etree._Element, around: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    codes = around | frozenset(_texts(layer, "CRS"))
    for name in _texts(layer, "Name"):
        yield name, [code for code in POLAR if code in codes]
    for below in layer.iterchildren("{*}Layer"):
        yield from _below(below, codes)


def _texts(layer: etree._Element, name: str) -> Iterable[str]:
    return ((one.text or "").strip() for one in layer.iterchildren(f"{{*}}{name}"))
