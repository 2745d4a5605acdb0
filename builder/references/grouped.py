"""Takes the references of a file with groups apart, so that each group opens by itself."""

from __future__ import annotations

import orjson

from builder.references.encode import dump_references

MOST_GROUPS = 50
"""Files with more groups get no references of each: nobody would find the right one in the list."""


def by_group(references: bytes) -> dict[str, bytes]:
    """Return the references of each group that holds variables, by its path; nothing for a file without groups.

    Zarr finds nothing below ``group=`` in folders of references, and kerchunk's engine has no such option; in these
    the group is the root.

    Args:
        references: Kerchunk JSON, version 1, of the whole file.
    """
    if b'/.zgroup"' not in references:
        return {}
    refs = orjson.loads(references)["refs"]
    groups = sorted(key.removesuffix("/.zgroup") for key in refs if key.endswith("/.zgroup"))
    holding = {key.rpartition("/")[0].rpartition("/")[0] for key in refs if key.endswith("/.zarray")}
    found = [group for group in groups if group in holding]
    if len(found) > MOST_GROUPS:
        return {}
    inside: dict[str, dict[str, object]] = {group: {} for group in found}
    for key, value in refs.items():
        for group in found:
            if key.startswith(f"{group}/"):
                inside[group][key.removeprefix(f"{group}/")] = value
    return {group: dump_references(within) for group, within in inside.items()}
