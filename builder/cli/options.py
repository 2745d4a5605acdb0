"""Options that several commands share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

collections = click.option(
    "--collections",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="collections",
    show_default=True,
    help="Folder of the collection definitions.",
)
out = click.option("--out", type=FOLDER, default="catalog", show_default=True, help="Folder of the catalogue.")
state = click.option(
    "--state", type=FOLDER, default=".iaos", show_default=True, help="Folder of what is remembered between runs."
)

sample = click.option("--sample", type=click.IntRange(min=1), help="Take only the first N records of each source.")
full = click.option("--full", is_flag=True, help="Ask for everything, not only for what changed.")
confirm = click.option(
    "--confirm", multiple=True, metavar="COLLECTION", help="Take over this collection's withdrawals, however many."
)
within = click.option(
    "--within",
    type=click.FloatRange(min=0.1),
    default=math.inf,
    metavar="SECONDS",
    help="Longest time to ask partners for records, and again for data files; the next run goes on with the rest.",
)


def read_json(file: Path) -> Any:
    """Read a JSON file that the user named.

    Raises:
        UsageError: It is not JSON.
    """
    import orjson

    from builder.errors import UsageError

    try:
        return orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as trouble:
        raise UsageError(f"not JSON: {trouble}", where=str(file)) from trouble


def _address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    del ctx, param
    if value and not re.fullmatch(r"https?://[^/\s]+\S*", value):
        raise click.BadParameter(f"{value!r} is no http(s) address, such as https://data.example.org/iaos")
    return value


def _mailbox(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    del ctx, param
    if value and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise click.BadParameter(f"{value!r} is no mailbox, such as data@example.org")
    return value


def request(function: Function) -> Function:
    """Add the options that say what to build, for `plan` and `build` alike."""
    for option in reversed(
        (
            click.argument("only", nargs=-1, metavar="[COLLECTION]..."),
            collections,
            out,
            state,
            sample,
            full,
            confirm,
            click.option("--no-harvest", is_flag=True, help="Use what is remembered; ask no partner for records."),
            within,
            click.option(
                "--file-timeout",
                type=click.FloatRange(min=0.1),
                default=60.0,
                show_default=True,
                help="Longest time to look into one data file, seconds; its header gets 15 of them at most.",
            ),
            click.option(
                "--new-files",
                type=click.IntRange(min=1),
                metavar="N",
                help="Most new items of each collection whose files at the partner are looked into; others wait.",
            ),
            click.option(
                "--recheck",
                type=click.IntRange(min=1),
                metavar="N",
                help="Ask about N known files of each collection for their version, all in turn over several runs.",
            ),
            click.option(
                "--base-url",
                metavar="URL",
                callback=_address,
                help="Address at which the catalogue will stand, for the sitemap and canonical links.",
            ),
            click.option(
                "--contact", metavar="MAILBOX", callback=_mailbox, help="Whom other catalogues ask; oai.xml needs one."
            ),
            click.option(
                "--oai-gateway", metavar="URL", callback=_address, help="OAI-PMH gateway that serves oai.xml."
            ),
            click.option(
                "--stac-browser", metavar="URL", callback=_address, help="Instance of STAC Browser that pages lead to."
            ),
        )
    ):
        function = option(function)
    return function
