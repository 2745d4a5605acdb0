"""`iaos validate`: check a built catalogue, every object, without a network."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click


@click.command("validate")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default="catalog")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_obj
def command(quiet: bool, /, folder: Path, as_json: bool) -> int:
    """Check every object of the catalogue in FOLDER against vendored schemas and the rules of the house."""
    from dataclasses import asdict

    import orjson

    from builder.checks import check_folder

    checked, findings = check_folder(folder)
    if as_json:
        click.echo(orjson.dumps([asdict(finding) for finding in findings], option=orjson.OPT_INDENT_2).decode())
    else:
        for finding in findings:
            click.echo(str(finding))
    if not quiet and not as_json:
        told = Counter(finding.severity.value for finding in findings)
        click.echo(f"{checked} objects checked: {told['error']} errors, {told['warning']} warnings")
    return int(any(finding.severity.value == "error" for finding in findings))
