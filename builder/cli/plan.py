"""`iaos plan`: show what a build would change, and touch nothing."""

from __future__ import annotations

from typing import Any

import click

from builder.cli import options


@click.command("plan")
@options.request
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option("--markdown", is_flag=True, help="Print the plan as Markdown, e.g. for a pull request's summary.")
@click.option("--files", is_flag=True, help="List every file with its reason, not only the records.")
@click.pass_obj
def command(quiet: bool, /, as_json: bool, markdown: bool, files: bool, **asked: Any) -> int:
    """Show what `iaos build` would add, change and withdraw, per collection and why; touch nothing."""
    from builder.build import Request, plan
    from builder.progress import progress

    with progress(quiet=quiet or as_json or markdown) as advance:
        run = plan(Request(**asked), advance)
    if as_json:
        for piece in run.to_json():
            click.echo(piece, nl=False)
        return run.exit_status
    if markdown:
        click.echo(run.to_markdown(planned=True), nl=False)
        return run.exit_status
    for line in run.changes_text():
        click.echo(line)
    if files:
        for step in run.plan:
            click.echo(f"{step.action.value:9}{step.path}" + (f"  ({step.reason})" if step.reason else ""))
    click.echo(run.summary())
    return run.exit_status
