"""Cuts text into the words that are searched; `site/src/search/words.ts` does the same in the browser."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 40
"""Longer runs of letters are digests and addresses, which nobody types."""

PREFIX = 4
"""A searched word of so many letters also stands for all words that begin with it."""

_PARTED = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"})
_WORD = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"[12]\d{3}")


def words_of(text: str) -> list[str]:
    """Return the words of a text without case and accents, in order; numbers other than years are no words.

    >>> words_of("Sea-ice of the Tromsøflaket, Ålesund 2019, station 17")
    ['sea', 'ice', 'of', 'the', 'tromsoflaket', 'alesund', '2019', 'station']
    """
    text = text.lower()
    if not text.isascii():
        parted = unicodedata.normalize("NFKD", text).translate(_PARTED)
        text = "".join(letter for letter in parted if not unicodedata.category(letter).startswith("M"))
    return [word for word in _WORD.findall(text) if _counts(word)]


def _counts(word: str) -> bool:
    if word.isdecimal():
        return bool(_YEAR.fullmatch(word))
    return 2 <= len(word) <= LONGEST
