"""Knows where the website's templates, messages and static files lie: in a checkout or in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from builder.errors import UsageError

HERE = Path(__file__).resolve().parent


@cache
def site_folder() -> Path:
    """Return the folder that holds ``templates``, ``messages`` and ``static``.

    A checkout has it as ``site/`` beside ``builder/``; a wheel carries it as ``builder/_site``.

    Raises:
        UsageError: Neither is there, so the installation is damaged.
    """
    for folder in (HERE.parent / "site", HERE / "_site"):
        if (folder / "templates").is_dir():
            return folder
    raise UsageError("the website's templates are missing", where=str(HERE), hint="install the package again")
