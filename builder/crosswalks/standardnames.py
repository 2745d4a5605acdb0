"""Checks what variables call themselves against the CF standard name table: names, aliases and kinds of units."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from builder.crosswalks.units import convertible
from builder.dataset import Variable
from builder.findings import Finding, note, warning

FILE = "cf-standard-names.tsv"
MEASURED = ("", "standard_error")
"""Modifiers of a standard name that keep its units (CF conventions 1.11, appendix C)."""
LISTED = 5
"""Names spelt out in a finding."""


@dataclass(frozen=True, slots=True)
class StandardNames:
    """The CF standard name table without its descriptions.

    Attributes:
        version: Number of the table.
        units: Standard name → canonical units.
        aliases: Former name → standard name.
    """

    version: str
    units: dict[str, str]
    aliases: dict[str, str]

    def nearest(self, name: str) -> str | None:
        """Return the standard name spelt most like a name."""
        known = [*self.units, *self.aliases]
        close = difflib.get_close_matches(name, [one for one in known if one[:2] == name[:2]], 1, 0.75)
        close = close or difflib.get_close_matches(name, known, 1, 0.75)
        return self.aliases.get(close[0], close[0]) if close else None


@cache
def table() -> StandardNames:
    """Return the table that is shipped with the builder."""
    lines = files("builder.crosswalks").joinpath(FILE).read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    version = next(line.split()[-1] for line in lines if line.startswith("# version"))
    aliases = {name: said[1:] for name, said in rows if said.startswith("=")}
    return StandardNames(version, {name: said for name, said in rows if not said.startswith("=")}, aliases)


def checked(variables: Iterable[Variable], where: str) -> tuple[tuple[Variable, ...], tuple[Finding, ...]]:
    """Return variables with former names replaced by standard names, and what is wrong with names and units.

    A name that is not in the table stays as it was said. All names of a file make one finding, and so do all units.

    Args:
        variables: Variables as their file describes them.
        where: Address of the file, for findings.
    """
    kept: list[Variable] = []
    former: dict[str, str] = {}
    unknown: dict[str, None] = {}
    units: dict[str, None] = {}
    for variable in variables:
        said, _, modifier = (variable.standard_name or "").partition(" ")
        name = table().aliases.get(said, said)
        kept.append(replace(variable, standard_name=f"{name} {modifier}".strip() or None))
        canonical = table().units.get(name)
        if name != said:
            former[said] = name
        if name and canonical is None:
            unknown[name] = None
        elif canonical and variable.unit and modifier in MEASURED and convertible(variable.unit, canonical) is False:
            units[f"{variable.name}: {variable.unit!r} for {name}, which is measured in {canonical!r}"] = None
    return tuple(kept), tuple(_findings(former, list(unknown), list(units), where))


def _findings(former: dict[str, str], unknown: list[str], units: list[str], where: str) -> Iterator[Finding]:
    if former:
        words = _listed([f"{said} is now {name}" for said, name in former.items()])
        yield note("cf.standard-name", where, f"former standard names: {words}", "the present ones are published")
    if unknown:
        message = f"not in version {table().version} of the CF standard name table: {_listed(unknown)}"
        meant = [f"{near} for {name}" for name in unknown[:LISTED] if (near := _suggestion(name))]
        hint = f"perhaps {', '.join(meant)}" if meant else "leave standard_name out where there is none"
        yield warning("cf.standard-name", where, message, hint)
    if units:
        hint = "correct units or standard_name in the file"
        yield warning("cf.units", where, f"units of another kind than the standard name's: {_listed(units)}", hint)


def _listed(words: list[str]) -> str:
    more = f", and {len(words) - LISTED} more" if len(words) > LISTED else ""
    return ", ".join(words[:LISTED]) + more


@cache
def _suggestion(name: str) -> str | None:
    return table().nearest(name)
