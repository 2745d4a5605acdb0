"""The nightly job: harvest the partners, work out the wanted tree, and apply it."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder import clock
from builder.datafiles.freshness import next_turn
from builder.datafiles.readings import Readings
from builder.errors import DefinitionError, UsageError
from builder.harvests import conclude_all, harvest_all
from builder.memory.checked import forget_checks
from builder.memory.nights import remember
from builder.memory.state import State, open_state, scratch
from builder.processing.night import process_all, prune
from builder.report import RunReport
from builder.room import full_named
from builder.sources.folder import awkward
from builder.sources.limits import Limits
from builder.tree import Tree, apply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.definitions.model import CollectionDefinition
    from builder.harvest import Harvest
    from builder.progress import Advance


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
        full: Ask for everything, not only for what changed.
        confirm: Take over withdrawals of these collections, however many.
        limits: Bounds on each request to a source.
        base_url: Where the catalogue will stand, for the sitemap and canonical links.
        contact: Mailbox for questions about the catalogue.
        oai_gateway: OAI-PMH gateway that serves the static repository.
        stac_browser: Instance of STAC Browser that pages lead to.
        within: Longest time to ask partners for records, and again for data files, seconds.
        file_timeout: Longest time to look into one data file, seconds.
        new_files: Most new items of a collection whose files are fetched to be looked into, and most shown ones with
            changed records; the others wait.
        recheck: About how many known files of each collection are asked for their version, in turn; all if not given.
        engine: Where processors work, see `processors.engine.ENGINES`.
    """

    collections: Path
    out: Path
    state: Path
    only: tuple[str, ...] = ()
    sample: int | None = None
    no_harvest: bool = False
    full: bool = False
    confirm: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    base_url: str | None = None
    contact: str | None = None
    oai_gateway: str | None = None
    stac_browser: str | None = None
    within: float = math.inf
    file_timeout: float = 60.0
    new_files: int | None = None
    recheck: int | None = None
    engine: str = "threads"

    def __post_init__(self) -> None:
        """Refuse folders below which libraries find no files.

        Raises:
            UsageError: There is one.
        """
        for folder in (self.collections, self.out, self.state):
            if awkward(whole := str(folder.resolve())):
                hint = "choose a path in UTF-8 without backslashes"
                raise UsageError("libraries do not find files at such a path", where=ascii(whole)[1:-1], hint=hint)

    def limits_from_now(self) -> Limits:
        """Return the bounds of a part of the run that begins now."""
        return replace(self.limits, until=time.monotonic() + self.within)

    def asks(self, definition: CollectionDefinition) -> bool:
        """Tell whether a collection takes part; one that is off stays as it was, unless it is named."""
        return definition.enabled or definition.id in self.only


def build(request: Request, advance: Advance) -> RunReport:
    """Harvest, then bring the catalogue folder up to date.

    The state is kept before the catalogue is touched, so a run that is killed in between is
    mended by the next: the same state gives the same tree.

    Raises:
        DefinitionError: A definition cannot be read.
        UsageError: A folder cannot be used, or another run holds the state.
    """
    folders = request.state, request.out
    with open_state(request.state) as state, scratch(request.out) as staging, full_named(*folders):
        run, tree, harvests = _run(request, state, staging, advance, dry=False)
        state.commit()
        apply(tree)
        conclude_all(harvests, state)
        forget_checks(state)
        prune(state)
    return run


def plan(request: Request, advance: Advance) -> RunReport:
    """Work out what `build` would do, and touch nothing.

    Raises:
        DefinitionError: A definition cannot be read.
        UsageError: A folder cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="iaos-plan-") as name, full_named(Path(name)):
        overlay = Path(name) / "state"
        overlay.mkdir()
        state = State(request.state, overlay, overlay)
        run, _, _ = _run(request, state, Path(name) / "tree", advance, dry=True)
    return run


def _run(
    request: Request, state: State, staging: Path, advance: Advance, *, dry: bool
) -> tuple[RunReport, Tree, Mapping[str, Harvest]]:
    from builder.assemble import assemble
    from builder.lookahead import look_ahead

    present = clock.going_on()
    started = present()
    every = _load(request.collections, request.only)
    asked = [definition for definition in every if request.asks(definition)]
    definitions = [one for one in every if one in asked or state.file(f"{one.id}/ledger.ndjson")]
    harvests = {} if request.no_harvest else harvest_all(asked, request, state, advance)
    readings = Readings()
    look_ahead(definitions, request, state, readings, advance)
    processed, relations = process_all(definitions, request, state, advance, readings, dry=dry)
    harvests |= processed
    remember(state, harvests, started.date())
    tree = Tree(request.out, staging)
    collections, findings = assemble(definitions, harvests, state, tree, request, advance, relations, readings)
    for definition in asked if request.recheck else ():
        next_turn(state, definition.id)
    return RunReport(started, present(), collections, tree.plan(), findings), tree, harvests


def load_enabled(folder: Path, only: Iterable[str] = ()) -> list[CollectionDefinition]:
    """Read the definitions that take part in a build: the enabled ones and those asked for by name.

    Raises:
        DefinitionError: One cannot be read; nothing is built from half of them.
        UsageError: A name is not defined.
    """
    return [definition for definition in _load(folder, only) if definition.enabled or definition.id in set(only)]


def _load(folder: Path, only: Iterable[str]) -> list[CollectionDefinition]:
    from builder.definitions.load import load_all

    definitions, mistakes = load_all(folder)
    if mistakes:
        raise DefinitionErrors(mistakes)
    unknown = sorted(set(only) - {definition.id for definition in definitions})
    if unknown:
        known = ", ".join(definition.id for definition in definitions)
        raise UsageError(f"no collection is called {unknown[0]!r}", where=str(folder), hint=f"there are: {known}")
    return definitions


class DefinitionErrors(DefinitionError):
    """Several definitions cannot be read."""

    def __init__(self, mistakes: list[DefinitionError]) -> None:
        super().__init__(f"{len(mistakes)} definitions cannot be read")
        self.mistakes = mistakes

    def problems(self) -> list[str]:
        """Return the problems of all of them."""
        return [problem for mistake in self.mistakes for problem in mistake.problems()]
