"""Tells whether two units are one, or measure the same kind of quantity, as far as both are understood."""

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
    "degk": "K", "degf": "K", "degreecelsius": "K", "degreescelsius": "K", "°c": "K", "kelvin": "K", "fahrenheit": "K",
    "degree": "", "deg": "", "degreen": "",
    "degreenorth": "", "degreesnorth": "", "degreee": "", "degreeeast": "", "degreeseast": "", "degreetrue": "",
    "%": "", "percent": "", "psu": "", "pss-78": "", "pss78": "", "ppt": "", "ppm": "", "ppb": "", "watt": "kg m2 s-3",
    "siemens": "s3 A2 kg-1 m-2", "mole": "mol", "pascal": "kg m-1 s-2", "joule": "kg m2 s-2",
}  # fmt: skip
_SYMBOLS: dict[str, str] = {
    "meter": "m", "metre": "m", "second": "s", "sec": "s", "minute": "min", "hour": "h", "hr": "h", "day": "d",
    "gram": "g", "kilogram": "kg", "liter": "l", "litre": "l", "pascal": "Pa", "decibar": "dbar", "watt": "W",
    "joule": "J", "kelvin": "K", "degk": "K", "mole": "mol", "celsiu": "degC", "degc": "degC", "°c": "degC",
    "percent": "%", "psu": "psu", "pss-78": "psu", "pss78": "psu", "deg": "degree", "degree": "degree",
    "degreenorth": "degree_north", "degreesnorth": "degree_north", "degreeseast": "degree_east",
    "degreen": "degree_north", "degreeeast": "degree_east", "degreee": "degree_east",
}  # fmt: skip
"""The symbol of words, without the s of a plural (UDUNITS-2: units and their aliases)."""

_PREFIXES = ("da", "Y", "Z", "E", "P", "T", "G", "M", "k", "h", "d", "c", "m", "µ", "μ", "u", "n", "p", "f", "a",
             "kilo", "centi", "milli", "micro", "hecto")  # fmt: skip
_PREFIX_WORDS = {"micro": "u", "milli": "m", "centi": "c", "kilo": "k", "hecto": "h"}
_SINCE = re.compile(r"\s+since\s.*", re.IGNORECASE)
_FACTOR = re.compile(r"(?P<name>[^\d\s^*/.+-]+(?:-78)?)(?:\^|\*\*)?(?P<power>[+-]?\d+)?")
_DEGREES = re.compile(r"\bdeg(?:ree)?s?[ _.]*(C|K|F)(?:elsius|elvin|ahrenheit)?\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:\^[+-]?\d+)?")

Kind = tuple[tuple[str, int], ...]


def convertible(unit: str, other: str) -> bool | None:
    """Return whether one unit can be converted to the other; None where one of them is not understood."""
    first, second = kind_of_unit(unit), kind_of_unit(other)
    return None if first is None or second is None else first == second


def same(unit: str, other: str) -> bool:
    """Return whether two units are one, written in two ways: ``degree_Celsius`` and ``°C``, ``m/s`` and ``m s-1``."""
    first, second = _spelling(unit), _spelling(other)
    return unit == other or (first is not None and first == second)


@lru_cache(maxsize=4096)
def kind_of_unit(unit: str) -> Kind | None:
    """Return the base units and powers of a unit without its size (``W m-2`` → kg, s-3); None where not understood.

    A time since a moment is a time.
    """
    powers: Counter[str] = Counter()
    for factor, power in _factors(unit) or ():
        base = {} if _NUMBER.fullmatch(factor) else _base(factor)
        if base is None:
            return None
        for name, own in base.items():
            powers[name] += own * power
    return _sorted(powers) if _factors(unit) else None


@lru_cache(maxsize=4096)
def _spelling(unit: str) -> Kind | None:
    """Return the symbols and powers of a unit; None where there are none."""
    if _SINCE.search(unit):
        return None  # a time since another moment is another time
    powers: Counter[str] = Counter()
    for factor, power in _factors(unit) or ():
        if factor != "1":
            powers[_symbol(factor)] += power
    return _sorted(powers) if powers else None


def _symbol(factor: str) -> str:
    """Return the symbol of a unit or its word, with the u of many files for the µ of micro; others as they are."""
    word = factor.replace("_", "").lower()
    for words, symbol in (("", ""), *_PREFIX_WORDS.items()):
        rest = word.removeprefix(words)
        found = _SYMBOLS.get(rest.removesuffix("s"), _SYMBOLS.get(rest))
        if found and (not words or rest != word):
            return symbol + found
    return factor.replace("μ", "u").replace("µ", "u")


def _sorted(powers: Counter[str]) -> Kind:
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def _factors(unit: str) -> list[tuple[str, int]] | None:
    """Return names and numbers in a unit, each with its power; None where there are none, or others than these."""
    text = _SINCE.sub("", unit.strip())
    text = _DEGREES.sub(lambda found: f"deg{found[1].upper()}", text)
    factors, sign = [], 1
    for part in re.split(r"([\s*·]+|(?<=[a-z])\.(?=[a-z])|/)", text.replace("**", "^")):
        if not part.strip(" *·."):
            continue
        if part == "/":
            sign = -1
            continue
        match = _FACTOR.fullmatch(part)
        if _NUMBER.fullmatch(part):
            factors.append((part, sign))
        elif match:
            factors.append((match["name"], sign * int(match["power"] or 1)))
        else:
            return None
        sign = 1
    return factors or None


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
