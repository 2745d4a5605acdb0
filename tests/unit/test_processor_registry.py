"""Plug-ins: found by entry point, and one that is broken costs nobody but itself."""

from __future__ import annotations

import importlib

import pytest

from processors.errors import Refusal
from processors.protocol import Processor
from processors.registry import find_processor, find_processors


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install a distribution of plug-ins: name → expression, in a module of its own."""

    def install(owner, **plugins):
        lines = "".join(f"{name} = {owner}_{name}:{attribute}\n" for name, (attribute, _) in plugins.items())
        info = tmp_path / f"{owner}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {owner}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[iaos.processors]\n{lines}")
        for name, (_, code) in plugins.items():
            (tmp_path / f"{owner}_{name}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()

    return install


GOOD = """
from processors.regrid import Regrid
class Mine(Regrid):
    name = "{name}"
processor = Mine()
"""


def test_a_plugin_stands_beside_ours(plugin):
    plugin("lab", tides=("processor", GOOD.format(name="tides")))
    found = find_processors()
    assert {"regrid", "tides"} <= set(found.processors)
    assert all(isinstance(one, Processor) for one in found.processors.values())
    assert find_processor("tides").name == "tides"


def test_broken_plugins_are_reported_and_skipped(plugin):
    plugin(
        "bad",
        crash=("processor", "raise RuntimeError('no licence')"),
        odd=("processor", "processor = 3"),
        other=("processor", GOOD.format(name="another")),
        regrid=("processor", GOOD.format(name="regrid")),
    )
    found = find_processors()
    assert type(found.processors["regrid"]).__module__ == "processors.regrid"
    said = "\n".join(found.broken)
    assert "plug-in `crash` of bad: cannot be loaded: RuntimeError: no licence" in said
    assert "plug-in `odd` of bad: is no processor" in said
    assert "plug-in `other` of bad: calls itself `another`" in said
    assert "plug-in `regrid` of bad: the name `regrid` is taken" in said
    with pytest.raises(Refusal, match="no licence"):
        find_processor("crash")


def test_a_misspelt_name_is_answered_with_the_right_one():
    with pytest.raises(Refusal, match="did you mean `regrid`"):
        find_processor("regird")
