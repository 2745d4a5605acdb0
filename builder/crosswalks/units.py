"""Tells whether two units measure the same kind of quantity, as far as both are understood."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

_SI: dict[str, str] = {
    "m": "m", "kg": "kg", "s": "s", "K": "K", "mol": "mol", "A": "A", "cd": "cd", "1": "", "rad": "", "sr": "",
    "N": "kg m s-2", "Pa": "kg m-1 s-2", "J": "kg m2 s-2", "W": "kg m2 s-3", "Hz": "s-1", "V": "kg m2 s-3 A-1",
    "S": "s3 A2 kg-1 m-2", "C": "A s", "T": "kg s-2 A-1", "Bq": "s-1",
}  # fmt: skip
"""SI units in their base units (BIPM, The International System of Units, 9th edition, tables 2 and 4)."""

_OTHER: dict[str, str] = {
    "g": "kg", "gram": "kg", "kilogram": "kg", "t": "kg", "tonne": "kg", "l": "m3", "L": "m3", "litre": "m3",
    "liter": "m3", "min": "s", "minute": "s", "h": "s", "hr": "s", "hour": "s", "d": "s", "day": "s", "year": "s",
    "sec": "s", "second": "s", "month": "s", "bar": "kg m-1 s-2", "decibar": "kg m-1 s-2", "atm": "kg m-1 s-2",
    "meter": "m", "metre": "m", "knot": "m s-1", "kt": "m s-1", "celsius": "K", "degc": "K", "degreec": "K",
    "degreecelsius": "K", "degreescelsius": "K", "°c": "K", "kelvin": "K", "fahrenheit": "K",
    "degree": "", "deg": "", "degreen": "",
    "degreenorth": "", "degreesnorth": "", "degreee": "", "degreeeast": "", "degreeseast": "", "degreetrue": "",
    "%": "", "percent": "", "psu": "", "pss-78": "", "pss78": "", "ppt": "", "ppm": "", "ppb": "", "watt": "kg m2 s-3",
    "siemens": "s3 A2 kg-1 m-2", "mole": "mol", "pascal": "kg m-1 s-2", "joule": "kg m2 s-2",
}  # fmt: skip
_PREFIXES = ("da", "Y", "Z", "E", "P", "T", "G", "M", "k", "h", "d", "c", "m", "µ", "μ", "u", "n", "p", "f", "a",
             "kilo", "centi", "milli", "micro", "hecto")  # fmt: skip
_FACTOR = re.compile(r"(?P<name>[^\d\s^*/.+-]+(?:-78)?)(?:\^|\*\*)?(?P<power>[+-]?\d+)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:\^[+-]?\d+)?")

Kind = tuple[tuple[str, int], ...]


def convertible(unit: str, other: str) -> bool | None:
    """Return whether one unit can be converted to the other; None where one of them is not understood."""
    first, second = kind_of_unit(unit), kind_of_unit(other)
    return None if first is None or second is None else first == second


@lru_cache(maxsize=4096)
def kind_of_unit(unit: str) -> Kind | None:
    """Return the base units and powers of a unit without its size (``W m-2`` → kg, s-3); None where not understood.

    A time since a moment is a time.
    """
    powers: Counter[str] = Counter()
    text = re.sub(r"\s+since\s.*", "", unit.strip(), flags=re.IGNORECASE)
    text = re.sub(r"\bdeg(?:ree)?s?[ _.]*(C|K|F)(?:elsius|elvin|ahrenheit)?\b", "K", text, flags=re.IGNORECASE)
    sign = 1
    for part in re.split(r"([\s*·]+|(?<=[a-z])\.(?=[a-z])|/)", text.replace("**", "^")):
        if not part.strip(" *·."):
            continue
        if part == "/":
            sign = -1
            continue
        found = _part(part)
        if found is None:
            return None
        for name, power in found.items():
            powers[name] += sign * power
        sign = 1
    return tuple(sorted((name, power) for name, power in powers.items() if power)) if text else None


def _part(part: str) -> dict[str, int] | None:
    if _NUMBER.fullmatch(part):
        return {}
    match = _FACTOR.fullmatch(part)
    base = _base(match["name"]) if match else None
    if match is None or base is None:
        return None
    return {name: power * int(match["power"] or 1) for name, power in base.items()}


def _base(name: str) -> dict[str, int] | None:
    plain = re.sub(r"[_ ]", "", name).lower()
    for word in (name, *(name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix))):
        if word in _SI:
            return _powers(_SI[word])
    words = (plain, plain.removesuffix("s"), *(plain.removeprefix(prefix.lower()) for prefix in _PREFIXES))
    return next((_powers(_OTHER[word]) for word in (name, *words) if word in _OTHER), None)


def _powers(text: str) -> dict[str, int]:
    found = (re.fullmatch(r"([A-Za-z]+)(-?\d+)?", part) for part in text.split())
    return {match[1]: int(match[2] or 1) for match in found if match}
