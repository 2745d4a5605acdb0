"""The Atom feed against feedparser, an independent reader, and the rules of RFC 4287 sections 3 and 4."""

from __future__ import annotations

import re
from datetime import datetime

import feedparser
import pytest
from lxml import etree

from builder.pages.feed import UNDATED, feed
from builder.pages.messages import load_messages
from tests.unit.pages_samples import CHANGES

A = "{http://www.w3.org/2005/Atom}"
WORDS = load_messages("en")
BASE = "https://data.example.org/iaos/"
HOSTILE = [
    {"date": word, "action": word, "title": word, "href": word, "reason": word, "identifier": str(number)}
    for number, word in enumerate(("<b>&]]>\x0b\ufffe", "javascript:alert(1)", "\ud800x", "//evil.example/", "\u202e"))
]
ONCE = {"id", "title", "updated"}


def structural(data: bytes) -> etree._Element:
    """RFC 4287: cardinality of 4.1.1 and 4.1.2, dates of 3.3, link relations of 4.2.7, distinct ids of 4.1.1."""
    root = etree.fromstring(data)
    assert root.tag == A + "feed"
    assert root.find(A + "author") is not None
    for element in (root, *root.iter(A + "entry")):
        for name in ONCE:
            assert len(element.findall(A + name)) == 1, name
            assert element.findtext(A + name)
        assert re.match(r"(urn:uuid:[0-9a-f-]{36}|https?://.+)$", element.findtext(A + "id"))
        stamp = element.findtext(A + "updated")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", stamp)
        assert datetime.fromisoformat(stamp)
        links = [(link.get("rel"), link.get("type")) for link in element.findall(A + "link")]
        assert len(links) == len(set(links))
        assert ("alternate", "text/html") in links
        assert all(link.get("href") for link in element.findall(A + "link"))
        assert all(category.get("term") for category in element.findall(A + "category"))
    ids = [entry.findtext(A + "id") for entry in root.iter(A + "entry")]
    assert len(ids) == len(set(ids))
    assert root.findtext(A + "updated") == max(
        (e.findtext(A + "updated") for e in root.iter(A + "entry")), default=UNDATED
    )
    return root


@pytest.mark.parametrize("changes", [[], CHANGES, HOSTILE], ids=["none", "some", "hostile"])
@pytest.mark.parametrize("base", ["", BASE])
def test_is_a_valid_feed(changes, base):
    data = feed(changes, WORDS, base)
    assert len(structural(data).findall(A + "entry")) == len(changes)
    read = feedparser.parse(data)
    assert not read.bozo, read.get("bozo_exception")
    assert read.version == "atom10"
    assert len(read.entries) == len(changes)
    assert feed(changes, WORDS, base) == data


def test_a_reader_sees_title_kind_page_and_date():
    read = feedparser.parse(feed(CHANGES, WORDS, BASE))
    assert [entry.tags[0].term for entry in read.entries] == ["add", "replace", "withdraw"]
    first, _, gone = read.entries
    assert first.title == "CTD 2003 (added)"
    assert first.link == BASE + "imr/ctd/58jh-ctd-2003.html"
    assert first.updated_parsed[:6] == (2026, 11, 24, 2, 10, 0)
    assert gone.link == BASE + "changes.html"
    assert gone.summary == "withdrawn by the partner"
    assert read.feed.updated == "2026-11-24T02:10:00Z"


def test_links_are_relative_where_the_address_is_not_known():
    hrefs = [link.get("href") for link in etree.fromstring(feed(CHANGES, WORDS)).iter(A + "link")]
    assert hrefs[0] == "changes.atom"
    assert "imr/ctd/58jh-ctd-2003.html" in hrefs


def test_a_change_without_date_takes_the_newest_of_its_run():
    run = {"collection": "ctd", "run": 3}
    changes = [
        run | {"identifier": "a", "date": "2020-05-01T10:00:00+02:00"},
        run | {"identifier": "b"},
        run | {"identifier": "c", "date": "2019-01-01"},
        {"collection": "other", "run": 3, "identifier": "d"},
    ]
    dates = [entry.findtext(A + "updated") for entry in structural(feed(changes, WORDS)).iter(A + "entry")]
    assert dates == ["2020-05-01T08:00:00Z", "2020-05-01T08:00:00Z", "2019-01-01T00:00:00Z", UNDATED]


def test_the_same_record_changed_twice_is_two_entries():
    once = {"collection": "ctd", "identifier": "a", "action": "replace", "date": "2020-05-01", "run": 3}
    structural(feed([once, once | {"run": 4}], WORDS))


def test_nothing_dangerous_is_linked():
    data = feed(HOSTILE, WORDS, BASE)
    assert all(link.get("href").startswith(BASE) for link in etree.fromstring(data).iter(A + "link"))
