"""`iaos issues`: which issues to open and close after a build."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from builder.cli import options


@click.command("issues")
@click.argument("report", type=options.FILE)
@click.option("--open", "listed", type=options.FILE, help="JSON list of the open issues; none if not given.")
@click.option(
    "--after", type=click.IntRange(min=1), default=2, show_default=True, help="Failed nights before an issue is opened."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "gh", "glab"]),
    default="json",
    show_default=True,
    help="JSON, or shell commands for GitHub's or GitLab's tool.",
)
def command(report: Path, listed: Path | None, after: int, form: str) -> int:
    """Compare REPORT (a build's report.json) with the open issues: one per failing partner, closed on recovery."""
    import orjson

    from builder.issues import decide, open_issues, script

    present = open_issues(options.read_json(listed)) if listed else []
    steps = decide(options.read_json(report), present, after)
    if form == "json":
        click.echo(orjson.dumps([asdict(step) for step in steps], option=orjson.OPT_INDENT_2).decode())
        return 0
    for line in script(steps, "gh" if form == "gh" else "glab"):
        click.echo(line)
    return 0
