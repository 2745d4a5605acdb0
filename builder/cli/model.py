"""`iaos model`: training models of sea ice on labelled scenes, and holding them against labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from builder.cli.process import EXISTING, FOLDER

SAFE = click.Path(exists=True, path_type=Path)
KINDS = ("quadlogit", "logit", "mlp", "hgb", "rf", "gia")
LABELS = (
    click.argument("scenes", nargs=-1, type=SAFE, metavar="[SCENE]..."),
    click.option("--labels", "charts", multiple=True, type=EXISTING, help="SIGRID-3 chart; its name tells YYYYMMDD."),
    click.option("--ready", multiple=True, type=EXISTING, help="Scene of AI4Arctic, ready to train; may be repeated."),
    click.option("--simulated", type=click.IntRange(min=0), default=0, help="Simulate so many scenes."),
    click.option("--first-seed", type=int, default=1, show_default=True, help="Seed of the first simulated scene."),
    click.option("--lines", type=click.IntRange(100, 10_708), default=700, show_default=True, help="Lines of each."),
    click.option("--noise", type=click.Choice(("esa", "scaled", "none")), default="esa", help="Noise to subtract."),
    click.option("--erode-km", type=float, default=3.0, show_default=True, help="Rim of polygons to leave out."),
    click.option("--fast-ice", is_flag=True, help="Count fast ice as ice; else it is left out."),
)  # fmt: skip


def labelled(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where labelled scenes come from."""
    for option in reversed(LABELS):
        command = option(command)
    return command


@click.group("model")
def command() -> None:
    """Train models that tell sea ice from open water, and measure them."""


@command.command("train")
@labelled
@click.option("--name", default="ice-water", show_default=True, help="Name of the model.")
@click.option("--version", default="0.1.0", show_default=True, help="Its version; one that is there never changes.")
@click.option("--architecture", type=click.Choice(KINDS), default="quadlogit", show_default=True, help="Kind of model.")
@click.option("--cells", type=click.IntRange(min=10), default=4000, show_default=True, help="Cells of each scene.")
@click.option("--folds", type=click.IntRange(min=0), default=0, help="Groups of scenes to measure by; one each if 0.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of what starts at random.")
@click.option("--out", type=FOLDER, default="models", show_default=True, help="Folder of models.")
@click.pass_obj
def train(quiet: bool, /, out: Path, **options: Any) -> int:
    """Train a model on SCENEs with ice charts, on AI4Arctic files, or on simulated scenes."""
    from builder.icemodels import Labels
    from builder.icemodels import train as teach
    from builder.progress import progress

    course = {name: options.pop(name) for name in ("name", "version", "architecture", "cells", "folds", "seed")}
    with progress(quiet=quiet) as advance:
        path = teach(Labels(**options), course, out, advance)
    click.echo(str(path))
    return 0


@command.command("evaluate")
@click.argument("model", type=EXISTING)
@labelled
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Ice from this on.")
@click.pass_obj
def evaluate(quiet: bool, /, model: Path, threshold: float, **options: Any) -> int:
    """Hold MODEL (its model.json) against labels, and print accuracy, areas and calibration as JSON."""
    import orjson

    from builder.icemodels import Labels
    from builder.icemodels import evaluate as hold
    from builder.progress import progress

    with progress(quiet=quiet) as advance:
        found = hold(model, Labels(**options), threshold, advance)
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    return 0
