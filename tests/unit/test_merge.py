"""Two descriptions of one dataset become one, and every value can still be traced."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from builder.dataset import Access, Coverage, Dataset, Draft, Link, Resource
from builder.findings import note
from builder.merge import merge, only

NEW_YEAR = datetime(2020, 1, 1, tzinfo=UTC)
SUMMER = datetime(2020, 7, 1, tzinfo=UTC)


def described(rule: str, **values: object) -> Dataset:
    draft = Draft("a", source="record", rule=rule)
    for name, value in values.items():
        draft.put(name.replace("__", "."), value, name)
    return draft.build()


def test_the_first_is_believed_and_the_second_fills_gaps() -> None:
    joined = merge(described("one", title="Ice"), replace(described("two", title="Snow", doi="10.1/x"), identifier="b"))
    assert (joined.identifier, joined.title, joined.doi) == ("a", "Ice", "10.1/x")
    assert {name: trace.rule for name, trace in joined.trace.items()} == {"title": "one", "doi": "two"}


def test_a_said_default_is_not_a_gap() -> None:
    first = described("one", level="item", access=Access())
    joined = merge(first, described("two", level="collection", access=Access(restricted=True)))
    assert (joined.level, joined.access.restricted) == ("item", False)
    assert merge(Dataset("a"), described("two", level="collection")).level == "collection"


def test_halves_of_time_and_place_never_mix() -> None:
    first = described("one", coverage__start=NEW_YEAR, coverage__boxes=((0.0, 1.0, 2.0, 3.0),))
    second = described(
        "two", coverage__end=SUMMER, coverage__geometry={"type": "Point"}, coverage__vertical=(-9.0, 0.0, "m")
    )
    joined = merge(first, second)
    assert joined.coverage == Coverage(
        boxes=((0.0, 1.0, 2.0, 3.0),), start=NEW_YEAR, end=None, vertical=(-9.0, 0.0, "m")
    )
    assert "coverage.end" not in joined.trace
    assert joined.trace["coverage.vertical"].rule == "two"


def test_words_about_time_give_way_to_a_time() -> None:
    first = described("one", coverage__original_temporal="unknown/unknown")
    joined = merge(first, described("two", coverage__start=NEW_YEAR))
    assert joined.coverage == Coverage(start=NEW_YEAR)
    assert set(joined.trace) == {"coverage.start"}
    assert merge(first, Dataset("b")).coverage.original_temporal == "unknown/unknown"


def test_resources_of_one_address_are_one() -> None:
    first = described("one", resources=(Resource("data", "https://a.example/x.nc"),))
    second = described(
        "two",
        resources=(
            Resource("other", "https://a.example/x.nc", "application/netcdf", size=5, restricted=True),
            Resource("more", "https://a.example/y.nc"),
        ),
    )
    one, more = merge(first, second).resources
    assert (one.key, one.media_type, one.size, one.restricted) == ("data", "application/netcdf", 5, True)
    assert more.key == "more"


def test_links_and_findings_are_kept_once() -> None:
    same = Link("via", "https://a.example", title="first")
    first = replace(described("one", links=(same,)), findings=(note("a.b", "x", "y"),))
    second = described("two", links=(replace(same, title="second"), Link("via", "https://b.example")))
    joined = merge(first, replace(second, findings=first.findings))
    assert [(link.href, link.title) for link in joined.links] == [
        ("https://a.example", "first"),
        ("https://b.example", None),
    ]
    assert joined.findings == first.findings


def test_only_keeps_the_named_fields_and_their_traces() -> None:
    whole = described("one", title="Ice", doi="10.1/x", coverage__start=NEW_YEAR, coverage__vertical=(0.0, 1.0, "m"))
    part = only(whole, "doi", "coverage.time")
    assert part.title is None
    assert part.doi == "10.1/x"
    assert part.coverage == Coverage(start=NEW_YEAR)
    assert set(part.trace) == {"doi", "coverage.start"}
