"""Knows what a variable is called: by its name, by its CF standard name, and by names that users of CTDs know."""

from __future__ import annotations

FAMILIES = (
    (
        "temp",
        "temperature",
        "sea_water_temperature",
        "sea_water_potential_temperature",
        "thetao",
        "t_90c",
        "sea temperature",
    ),
    ("psal", "salinity", "sea_water_practical_salinity", "sea_water_salinity", "sal", "sea_water_absolute_salinity"),
    ("cndc", "conductivity", "sea_water_electrical_conductivity"),
    ("doxy", "oxygen", "mole_concentration_of_dissolved_molecular_oxygen_in_sea_water"),
)
"""Names of one quantity, in small letters."""

STANDARD = {
    "temp": "sea_water_temperature",
    "psal": "sea_water_practical_salinity",
    "cndc": "sea_water_electrical_conductivity",
    "doxy": "mole_concentration_of_dissolved_molecular_oxygen_in_sea_water",
}
"""First of a family → CF standard name, for tables that say none."""


def names_of(name: str) -> tuple[str, ...]:
    """Return the names a variable may go by, in small letters, the given one first."""
    plain = name.lower()
    family = next((one for one in FAMILIES if plain in one), ())
    return plain, *(one for one in family if one != plain)


def standard_name_of(name: str) -> str:
    """Return the CF standard name that goes with a name; empty where none is known."""
    family = next((one for one in FAMILIES if name.lower() in one), None)
    return STANDARD[family[0]] if family else ""


def plain_name(name: str, standard_name: str = "") -> str:
    """Say in words what a variable is: by its CF standard name, else by the name it goes by.

    >>> plain_name("TEMP"), plain_name("XYZ_1")
    ('Sea water temperature', 'XYZ_1')
    """
    words = (standard_name or standard_name_of(name)).replace("_", " ")
    return words[:1].upper() + words[1:] or name
