"""Makes builder/crosswalks/cf-standard-names.tsv of the table that the package compliance-checker brings along.

Without ``--write`` it only compares; exit status 1 says that the two differ.
"""

from __future__ import annotations

import sys
from importlib.metadata import files
from pathlib import Path

from lxml import etree

TARGET = Path(__file__).parents[2] / "builder" / "crosswalks" / "cf-standard-names.tsv"
HEAD = """\
# CF standard names: name and canonical units, or = and the name in use for a former name. Descriptions are left out.
# Source: CF standard name table, https://cfconventions.org/standard-names.html, as in the package compliance-checker;
# renewed by `nox -s names -- --write`. The table states no licence; compliance-checker is under Apache-2.0.
# version {version}
"""


def made(source: Path) -> str:
    """Return the compact table of the XML one."""
    root = etree.parse(source).getroot()
    rows = {node.get("id"): (node.findtext("canonical_units") or "").strip() for node in root.findall("entry")}
    former = {node.get("id"): [one.text for one in node.findall("entry_id")] for node in root.findall("alias")}
    rows |= {name: f"={now[0]}" for name, now in former.items() if len(now) == 1 and name not in rows}
    lines = "".join(f"{name}\t{said}\n" for name, said in sorted(rows.items()))
    return HEAD.format(version=root.findtext("version_number")) + lines


def main() -> int:
    found = files("compliance-checker") or []
    source = next(file for file in found if file.name == "cf-standard-name-table.xml").locate()
    table = made(Path(source))
    if "--write" in sys.argv:
        TARGET.write_text(table, "utf-8")
    return int(TARGET.read_text("utf-8") != table)


if __name__ == "__main__":
    raise SystemExit(main())
