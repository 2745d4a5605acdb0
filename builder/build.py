"""The nightly job: harvest the partners, work out the wanted tree, and apply it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from builder import clock
from builder.errors import DefinitionError, UsageError
from builder.harvest import Harvest, harvest, open_source
from builder.nights import remember
from builder.report import RunReport
from builder.state import State, open_state, scratch
from builder.tree import Tree, apply, read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.definitions.model import CollectionDefinition
    from builder.findings import Finding
    from builder.progress import Advance
    from builder.sources.protocol import Record, Source

SOURCES_AT_ONCE = 8
"""Partners read at the same time: they are slow, not we."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do.

    Attributes:
        collections: Folder of the definitions.
        out: Folder of the catalogue.
        state: Folder of what is remembered between runs.
        only: Harvest these collections only; the others keep their last good state.
        sample: Take only the first so many records of each source; nothing counts as withdrawn then.
        no_harvest: Ask no partner.
        base_url: Where the catalogue will stand, for the sitemap and canonical links.
    """

    collections: Path
    out: Path
    state: Path
    only: tuple[str, ...] = ()
    sample: int | None = None
    no_harvest: bool = False
    base_url: str | None = None


def build(request: Request, advance: Advance) -> RunReport:
    """Harvest, then bring the catalogue folder up to date.

    The state is kept before the catalogue is touched, so a run that is killed in between is
    mended by the next: the same state gives the same tree.

    Raises:
        DefinitionError: A definition cannot be read.
        UsageError: A folder cannot be used, or another run holds the state.
    """
    request.out.mkdir(parents=True, exist_ok=True)
    with open_state(request.state) as state, scratch(request.out) as staging:
        run, tree = _run(request, state, staging, advance)
        state.commit()
        apply(tree, run.plan, request.out)
    return run


def plan(request: Request, advance: Advance) -> RunReport:
    """Work out what `build` would do, and touch nothing.

    Raises:
        DefinitionError: A definition cannot be read.
        UsageError: A folder cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="iaos-plan-") as name:
        state = State(request.state, Path(name) / "state")
        run, _ = _run(request, state, Path(name) / "tree", advance)
    return run


def _run(request: Request, state: State, staging: Path, advance: Advance) -> tuple[RunReport, Tree]:
    from builder.assemble import assemble

    started = clock.now()
    definitions = load_enabled(request.collections, request.only)
    harvests = {} if request.no_harvest else _harvest_all(definitions, request, state, advance)
    remember(state, harvests, started.date())
    tree = Tree(read_manifest(request.out), staging)
    collections, findings = assemble(definitions, harvests, state, tree, request, advance)
    return RunReport(started, clock.now(), collections, tree.plan(), findings), tree


def load_enabled(folder: Path, only: Iterable[str] = ()) -> list[CollectionDefinition]:
    """Read the definitions that take part in a build: the enabled ones and those asked for by name.

    Raises:
        DefinitionError: One cannot be read; nothing is built from half of them.
        UsageError: A name is not defined.
    """
    from builder.definitions.load import load_all

    definitions, mistakes = load_all(folder)
    if mistakes:
        raise DefinitionErrors(mistakes)
    unknown = sorted(set(only) - {definition.id for definition in definitions})
    if unknown:
        known = ", ".join(definition.id for definition in definitions)
        raise UsageError(f"no collection is called {unknown[0]!r}", where=str(folder), hint=f"there are: {known}")
    return [definition for definition in definitions if definition.enabled or definition.id in set(only)]


class DefinitionErrors(DefinitionError):
    """Several definitions cannot be read."""

    def __init__(self, mistakes: list[DefinitionError]) -> None:
        super().__init__(f"{len(mistakes)} definitions cannot be read")
        self.mistakes = mistakes

    def problems(self) -> list[str]:
        """Return the problems of all of them."""
        return [problem for mistake in self.mistakes for problem in mistake.problems()]


def _harvest_all(
    definitions: list[CollectionDefinition], request: Request, state: State, advance: Advance
) -> Mapping[str, Harvest]:
    asked = [d for d in definitions if not request.only or d.id in request.only]
    if not asked:
        return {}

    def one(definition: CollectionDefinition) -> Harvest:
        with open_source(definition, request.collections) as source:
            wanted = source if request.sample is None else _Sample(source, request.sample)
            return harvest(definition, wanted, state, lambda: advance(definition.id))

    with ThreadPoolExecutor(min(SOURCES_AT_ONCE, len(asked))) as pool:
        return {done.collection: done for done in pool.map(one, asked)}


@dataclass
class _Sample:
    """The first records of a source; never complete, so that nothing counts as withdrawn."""

    source: Source
    size: int
    complete: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)

    def scan(self) -> Iterator[Record | Finding]:
        yield from islice(self.source.scan(), self.size)
        self.counts = self.source.counts
