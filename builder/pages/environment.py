"""The Jinja environment of the pages, with the words of one language."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import cache, lru_cache
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from jinja2.utils import htmlsafe_json_dumps

from builder.pages.markup import icon, safe_href
from builder.pages.messages import CompileWords, load_messages
from builder.pages.policy import CONTENT_SECURITY
from builder.pages.rasters import is_placed
from builder.resources import site_folder

MOST_PIECES = 512
"""Pieces of pages that are kept for the next page that says the same, such as the contacts of a collection."""


class _Pages(Environment):
    """Looks each template up once, as its file does not change, and keeps the globals of all in a plain dictionary."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.known: dict[str | Template, Template] = {}

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - jinja's name
    ) -> Template:
        if name not in self.known:
            self.known[name] = super().get_template(name, parent, globals)
        return self.known[name]

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


@cache
def environment(language: str) -> Environment:
    """Make the environment of one language; its templates are compiled once in a process."""
    made = _Pages(
        loader=FileSystemLoader(site_folder() / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[CompileWords],
    )
    words = load_messages(language)
    made.globals |= {
        "t": words,
        "count": words.count,
        "below": cache(lambda prefix: htmlsafe_json_dumps(words.below(prefix), dumps=_json)),
        "page_lang": language,
        "csp": CONTENT_SECURITY,
        "icon": icon(),
        "is_placed": is_placed,
    }
    made.policies["json.dumps_function"] = _json
    once = lru_cache(maxsize=MOST_PIECES)(lambda value, macro, *more: macro(value, *more))
    made.filters |= {"href": safe_href, "t": words, "maybe": words.get, "once": once}
    return made


def _json(value: object, **_: object) -> str:
    """Write JSON for the filter ``tojson``: keys sorted, no blanks, letters as they are."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
