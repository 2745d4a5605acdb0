"""The panel that reads values is told what it needs of a file."""

from __future__ import annotations

from builder.pages.reading import reading

REFERENCES = {"href": "./references/a.json", "roles": ["references"], "iaos:web_readable": True,
              "iaos:read_cost": {"series": {"requests": 1, "bytes": 100}}}  # fmt: skip


def test_each_group_has_the_address_of_references_of_its_own():
    group = {"href": "./references/a/ice.json", "roles": ["group-references"], "iaos:group": "grids/ice"}
    found = reading({"assets": {"references": REFERENCES, "references:grids/ice": group}}, ())
    assert found.groups == (("grids/ice", "./references/a/ice.json", "./references/a.json"),)
    assert reading({"assets": {"references": REFERENCES}}, ()).groups == ()
