"""The page of an item that other sites show in a frame."""

from __future__ import annotations

import copy
import posixpath
import re

import lxml.html

from builder.pages.render import Renderer
from tests.unit.pages_samples import CTD, CTD_COLLECTION, IMR

PAGE = "imr/ctd/58jh-ctd-2003.html"


def readable():
    item = copy.deepcopy(CTD)
    cost = {"profile": {"requests": 3, "bytes": 209_000}}
    item["assets"]["references"] |= {"iaos:web_readable": True, "iaos:read_cost": cost, "iaos:source_size": 24_200_000}
    return item


def trees(item, renderer):
    own, framed = renderer.pages(item, CTD_COLLECTION, IMR)
    assert (own[0], framed[0]) == (PAGE, "imr/ctd/embed/58jh-ctd-2003.html")
    return lxml.html.fromstring(own[1]), lxml.html.fromstring(framed[1])


def test_shows_map_title_citation_and_a_link_that_leaves_the_frame():
    own, framed = trees(CTD, Renderer("https://data.example.org/iaos"))
    assert framed.xpath("string(//h1)") == own.xpath("string(//h1)")
    assert (
        framed.xpath("string(//blockquote)").strip() == own.xpath("string(//section[h2/@id='cite']/blockquote)").strip()
    )
    assert len(framed.xpath("//figure//*[local-name()='svg']")) == 1
    assert framed.xpath("//a[not(@target='_blank') or @rel!='noopener']") == []
    (link,) = framed.xpath("//a/@href")
    assert posixpath.normpath(posixpath.join("imr/ctd/embed", link)) == PAGE
    assert framed.xpath("//nav | //header | //footer | //form | //script") == []
    assert framed.xpath("//link[@rel='canonical']/@href") == [f"https://data.example.org/iaos/{PAGE}"]
    assert framed.xpath("//meta[@name='robots']/@content") == ["noindex"]


def test_reads_the_same_references_as_the_page_of_the_item():
    own, framed = trees(readable(), Renderer())
    places = [
        posixpath.normpath(posixpath.join(folder, tree.xpath("string(//@data-references)")))
        for folder, tree in (("imr/ctd", own), ("imr/ctd/embed", framed))
    ]
    assert places[0] == places[1] == "imr/ctd/references/58jh-ctd-2003.json"
    assert len(framed.xpath("//script[@type='module']")) == 1


def test_the_code_to_copy_names_the_page_and_carries_no_markup_of_the_partner():
    item = CTD | {"properties": CTD["properties"] | {"title": '"><script>alert(1)</script>'}}
    page = Renderer("https://data.example.org/iaos").item(item, CTD_COLLECTION, IMR)
    code = next(text for text in lxml.html.fromstring(page).xpath("//pre/code/text()") if "<iframe" in text)
    pasted = lxml.html.fromstring(f"<div>{code}</div>")
    assert [child.tag for child in pasted] == ["iframe"]
    assert pasted[0].get("src") == "https://data.example.org/iaos/imr/ctd/embed/58jh-ctd-2003.html"
    assert pasted[0].get("title") == '"><script>alert(1)</script>'


def test_a_collection_of_its_own_offers_no_frame():
    ((_, page),) = Renderer().pages(CTD, CTD_COLLECTION, IMR, path="imr/ctd/own/index.html")
    assert b"<iframe" not in page
    assert not re.search(rb'href="[^"]*embed/', page)
