"""`iaos verify`: read a published catalogue as its users do and compare it with its manifest."""

from __future__ import annotations

import click


@click.command("verify")
@click.argument("url")
@click.option("--sample", type=click.IntRange(0), help="Read only so many objects below the collections.")
@click.option("--endpoint", help="Address of an S3-compatible server, for s3:// addresses.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_obj
def command(quiet: bool, /, url: str, sample: int | None, endpoint: str | None, as_json: bool) -> int:
    """Check the catalogue published at URL (https://, a folder, s3://, gs:// or abfs://).

    Follows links from the root, compares every object with the manifest, asks for byte ranges and
    CORS, and tells when the last publication is overdue. Exit status 1 if there is a finding.
    """
    import orjson

    from builder.progress import progress
    from builder.publish.verify import verify

    with progress(quiet=quiet) as advance:
        done = verify(url, advance, sample=sample, endpoint=endpoint)
    if as_json:
        click.echo(orjson.dumps(done.findings, option=orjson.OPT_INDENT_2).decode())
    else:
        for finding in done.findings:
            click.echo(str(finding))
        if not quiet:
            read = f"{done.read} of {done.objects} objects read" if done.objects else f"{done.read} objects read"
            compared = "" if done.objects else ", with no manifest to compare them with"
            click.echo(f"{url}: {read}{compared}, {len(done.findings)} findings")
    return 1 if done.findings else 0
