"""The `iaos` command; the only place that prints an error or sets an exit status."""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from types import TracebackType

import click

from builder import __version__
from builder.errors import IaosError

COMMANDS = (
    "build",
    "check",
    "demo",
    "explain",
    "extract",
    "harvest",
    "issues",
    "links",
    "model",
    "new",
    "plan",
    "process",
    "publish",
    "rollback",
    "schema",
    "search",
    "serve",
    "validate",
    "verify",
)
"""One module of this package per command, loaded when it is asked for."""


class _LazyGroup(click.Group):
    """Loads a command's module only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"builder.cli.{cmd_name}").command
        return command


def _change_folder(ctx: click.Context, param: click.Parameter, folder: str | None) -> None:
    del ctx, param
    if folder:
        os.chdir(folder)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "IAOS"})
@click.version_option(__version__, prog_name="iaos")
@click.option(
    "-C",
    "folder",
    type=click.Path(exists=True, file_okay=False),
    callback=_change_folder,
    expose_value=False,
    is_eager=True,
    help="Work in this folder.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong.")
@click.pass_context
def group(ctx: click.Context, *, quiet: bool) -> None:
    """Harvest Arctic data partners into a static STAC catalogue, kerchunk references and a website."""
    ctx.obj = quiet


def _end_with_trace(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
    """End with what a fault of the program has to say, and no status of what is fit to publish."""
    sys.__excepthook__(kind, value, trace)
    sys.exit(130 if issubclass(kind, KeyboardInterrupt) else 2)


def _lack(trouble: OSError | MemoryError | RuntimeError) -> str | None:
    """Say what the machine would not do; None where it is a fault of the program."""
    if isinstance(trouble, OSError):
        place = trouble.filename2 or trouble.filename  # where it was to go, before where it came from
        return (f"{place}: " if place else "") + (trouble.strerror or str(trouble))
    if isinstance(trouble, MemoryError) or "start new thread" in str(trouble):
        return f"there is not enough memory: {trouble}"
    return None


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status: 0 done, 1 findings, 2 usage or a fault of ours, 3 partial."""
    sys.excepthook = _end_with_trace
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # those of libraries are for programmers, who ask for them with python -W
    try:
        status = group.main(arguments, prog_name="iaos", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as trouble:
        trouble.show()
        sys.exit(2)
    except IaosError as trouble:
        for problem in trouble.problems():
            click.echo(f"error: {problem}", err=True)
        sys.exit(trouble.exit_status)
    except (OSError, MemoryError, RuntimeError) as trouble:
        lack = _lack(trouble)
        if lack is None:
            raise
        click.echo(f"error: {lack} (what was there before is still whole)", err=True)
        sys.exit(2)
    sys.exit(status if isinstance(status, int) else 0)
