"""The words of the website, read from one file per language so that translators touch nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from jinja2.ext import Extension
from markupsafe import escape

from builder.errors import UsageError
from builder.resources import site_folder

_PLAIN = re.compile(r"\{\{ t\('([a-z_.]+)'\) \}\}")


class CompileWords(Extension):
    """Writes words without values into the templates when they are loaded, so that no page looks them up again."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - jinja's
        """Replace ``{{ t('key') }}`` by the escaped words."""
        words = cast("Messages", self.environment.globals["t"])
        return _PLAIN.sub(lambda found: str(escape(words(found.group(1)))), source)


class Messages:
    """Looks words up by dotted key.

    Args:
        words: Nested tables as ``site/messages/en.toml`` has them.
    """

    def __init__(self, words: Mapping[str, Any]) -> None:
        self.words = dict(_flatten("", words))

    def __call__(self, key: str, **values: object) -> str:
        """Return the words for ``key``, with ``{name}`` filled in.

        Raises:
            KeyError: There is no such key; templates must not invent words.
        """
        text = self.words[key]
        return text.format(**values) if values else text

    def count(self, key: str, number: int) -> str:
        """Return the singular or plural form (``key.one``, ``key.other``) with the number in it."""
        return self(f"{key}.{'one' if number == 1 else 'other'}", n=f"{number:,}")

    def below(self, prefix: str) -> dict[str, str]:
        """Return the words whose keys begin with a prefix, by the rest of the key; scripts in pages use them."""
        return {key.removeprefix(prefix): words for key, words in self.words.items() if key.startswith(prefix)}

    def get(self, key: str) -> str | None:
        """Return the words for a key that may be missing."""
        return self.words.get(key)


def _flatten(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", str(value)


@cache
def load_messages(language: str) -> Messages:
    """Read the words of one language.

    Raises:
        UsageError: There is no file for this language.
    """
    file = site_folder() / "messages" / f"{language}.toml"
    if not file.is_file():
        raise UsageError(f"the website does not speak {language!r}", where=str(file), hint="add the file")
    return Messages(tomllib.loads(file.read_text(encoding="utf-8")))
