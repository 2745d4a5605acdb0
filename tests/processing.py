"""A processor for tests that does what its input says, in a distribution that is installed for the moment."""

from __future__ import annotations

import importlib

TOY = """
import os, signal, time
from pathlib import Path
from typing import Literal
from processors.errors import Refusal
from processors.protocol import Lineage, Parameters, Product, Slot

class ToyParameters(Parameters):
    times: int = 1

class Toy:
    name, version, title, description = "toy", "1", "Counts lines", "Counts the lines of *files*."
    inputs = (Slot("table", "Tables", ("text/csv",), most=None), Slot("extra", "A table more", ("text/csv",), least=0))
    products = {"count.csv": "The count", "count.png": "A picture", "report.html": "A report"}
    parameters = ToyParameters

    def run(self, inputs, parameters, engine):
        with open(os.environ["TOY_LOG"], "a") as log:
            log.write(",".join(one.href for one in inputs["table"]) + "\\n")
        texts = [one.path.read_text() for slot in sorted(inputs) for one in inputs[slot]]
        lineage = Lineage.of(self, inputs, parameters)
        whole = "".join(texts)
        if "refuse" in whole:
            raise Refusal("the table is sour", "table", "take another", "TOY.SOUR")
        if "crash" in whole:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "hang" in whole:
            time.sleep(60)
        lines = parameters.times * whole.count("\\n")
        fields = {"unit": "1", "notes": ["all lines count"]}
        if "north" in whole:
            fields |= {"geometry": {"type": "Point", "coordinates": [10, 80]}, "datetime": "2001-02-03T04:05:06Z"}
        for name, kind, role, text in (
            ("count.csv", "table", "data", f"lines\\n{lines}\\n"),
            ("count.png", "figure", "overview", f"not really a picture of {lines}"),
            ("report.html", "report", "report", f"<p>{lines}</p>"),
        ):
            (engine.folder / name).write_text(text)
            yield Product(name, kind, engine.folder / name, f"{name} of {lines}", lineage, (role,), fields)

processor = Toy()
"""


def install_toy(folder, monkeypatch):
    """Install the processor `toy` for this process and its children; returns the file in which it logs its runs."""
    info = folder / "toylab-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toylab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[iaos.processors]\ntoy = toylab_toy:processor\n")
    (folder / "toylab_toy.py").write_text(TOY)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    importlib.invalidate_caches()
    log = folder / "runs.log"
    log.touch()
    monkeypatch.setenv("TOY_LOG", str(log))
    return log
