"""Reads an OAI-PMH list as windows of datestamps side by side, and at the end what changed while they were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from builder.errors import SourceError
from builder.findings import Finding, error, warning
from builder.sources.ahead import side_by_side
from builder.sources.oai.client import Provider
from builder.sources.oai.documents import OaiError, Page
from builder.sources.oai.reading import Reading, wrong_size
from builder.sources.oai.windows import PER_CONNECTION, Plan, Window, share
from builder.sources.protocol import Record, Refused

RESTARTS = 3
"""How often a list is begun again in one pass."""

LEVELS = 5
"""How often windows are cut again."""


class UnfitError(Exception):
    """The provider's windows do not hold what they should; its list has to be read as one."""


@dataclass
class List:
    """One of the lists, read by one thread at a time.

    Attributes:
        window: What it holds.
        selection: The arguments it is asked for with.
        size: How many records it has, as the provider says; where it does not, how many were read.
        first: Records of its first page.
        sized: The provider told its size.
        more: It goes on after the pages that were read.
        whole: Nothing is known to be missing.
        found: What is to be said of its records.
        trouble: What is to be said of its paging.
    """

    provider: Provider
    window: Window
    selection: Mapping[str, str]
    size: int = 0
    first: int = 0
    sized: bool = False
    more: bool = True
    whole: bool = True
    found: list[Finding] = field(default_factory=list)
    trouble: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Ask for nothing yet."""
        self.pages = self._read()

    def start(self) -> Iterator[Page]:
        """Yield its first page."""
        return islice(self.pages, 1)

    def _read(self) -> Iterator[Page]:
        """Yield its pages, from the first one on again where the token has expired.

        What changes leaves its window, so that the size may shrink while it is read.
        """
        for restarts in range(RESTARTS + 1):
            listed, announced = 0, list[int]()
            try:
                for page in self.provider.pages("ListRecords", self.selection):
                    self.first = self.first or len(page.headers)
                    listed += len(page.headers)
                    announced += [] if page.complete_list_size is None else [page.complete_list_size]
                    self.more, self.sized = page.token is not None, bool(announced)
                    self.size = announced[-1] if announced else listed
                    yield page
                break
            except OaiError as trouble:
                if not self._empty(trouble, listed):
                    if trouble.oai_code != "badResumptionToken" or restarts == RESTARTS:
                        raise
                    hint = "the list is asked for again"
                    self.trouble.append(warning("oai.token-expired", trouble.where, trouble.message, hint))
                    continue
                break
        if announced and not min(announced) <= listed <= max(announced):
            self.whole = False
            self.trouble.append(wrong_size(self.provider.endpoint, announced[-1], listed))

    def _empty(self, trouble: OaiError, listed: int) -> bool:
        """Tell whether there are no records, or no further ones, which is no end of a list that was begun."""
        if trouble.oai_code != "noRecordsMatch":
            return False
        self.more = False
        if listed:
            self.whole = False
            message = "noRecordsMatch in the middle of the list"
            self.trouble.append(error("oai.list-broken-off", trouble.where, message))
        return True


class Several:
    """The windows of one list.

    First the list itself is begun: what it says of its size is what the windows must come up to, and
    the records of its first page must come again in them. Windows that hold more than their share are
    cut again, once all that there are have been begun; where the provider tells no sizes, only the
    list itself is. Records are handed on as they come, findings at the end and in order.

    Args:
        provider: Whom to ask.
        base: Arguments of every request.
        plan: The windows.
        reading: Takes the pages.
    """

    def __init__(self, provider: Provider, base: Mapping[str, str], plan: Plan, reading: Reading) -> None:
        self._provider = provider
        self._base = base
        self._plan = plan
        self._reading = reading
        self._root = List(provider, plan.whole, base)
        self._every = [self._root]
        self._absent: set[str] = set()

    def read(self) -> Iterator[Record | Finding]:
        """Yield all records.

        Raises:
            UnfitError: The list has to be read as one; what was yielded stands.
            SourceError: The provider does not answer as the protocol promises.
        """
        self._reading.overlapping = self._plan.since
        try:
            yield from self._read([self._root], start=True)
            self._reading.announced(self._root.size if self._root.sized else None)
            kept, fresh = self._cut([self._root])
            if fresh:
                yield from self._in_windows(fresh)
            else:
                yield from self._read(kept)
                self._whole(kept)
        except SourceError:
            yield from self._findings()
            raise
        yield from self._findings()

    def _in_windows(self, fresh: list[List]) -> Iterator[Record]:
        kept: list[List] = []
        try:
            for level in range(LEVELS):
                yield from self._read(fresh, start=True)
                kept, fresh = self._cut([*kept, *fresh]) if level < LEVELS - 1 else ([*kept, *fresh], [])
            yield from self._read(sorted(kept, key=lambda one: -one.size))
            changed, self._reading.later = self._changed(), True
            yield from self._read(changed)
        except OaiError as trouble:
            if trouble.oai_code == "badArgument":
                raise UnfitError(trouble.message) from trouble
            raise
        self._check()
        self._whole([*kept, *changed])

    def _read(self, lists: Sequence[List], *, start: bool = False) -> Iterator[Record]:
        """Yield the records of the first page of each list, or of all that are left."""
        pages = [one.start() if start else one.pages for one in lists]
        for number, page in side_by_side(pages, self._plan.at_once):
            yield from self._take(lists[number], page)

    def _take(self, one: List, page: Page) -> Iterator[Record]:
        names = {header.identifier for header in page.headers if header.identifier}
        if one is self._root:
            self._absent |= names
        else:
            self._absent -= names
            if one.window.strays(page.headers, self._plan.since):
                raise UnfitError("records are listed outside the datestamps that were asked for")
        for got in self._reading.records(page, self._provider.endpoint, f"in the list {one.window}"):
            if isinstance(got, Finding):
                one.found.append(got)
            else:
                yield got

    def _cut(self, lists: Sequence[List]) -> tuple[list[List], list[List]]:
        """Cut those that hold more than their share; return those that are kept, and the new ones."""
        most, kept, fresh = PER_CONNECTION * self._plan.at_once, [], list[List]()
        wanted = share(sum(one.size for one in lists), self._root.first, self._plan.at_once)
        for one in lists:
            unknown = one is self._root and not one.sized
            shares = most if unknown else -(-one.size // wanted)
            if one.more and one.window.units > 1 and shares > 2 and (one.sized or unknown):
                parts = min(most, 2 * shares)  # records seldom lie evenly
                fresh += [List(self._provider, w, {**self._base, **w.selection}) for w in one.window.cut(parts)]
            else:
                kept.append(one)
        self._every += fresh
        return kept, fresh

    def _changed(self) -> list[List]:
        """Return the list of what may have changed since the pass began; none where it ends before that."""
        since, until = max(self._plan.since, self._base.get("from", "")), self._base.get("until", "")
        if until and until < since:
            return []
        window = replace(self._plan.whole, begin=self._plan.moving, first=False)
        self._every.append(List(self._provider, window, {**self._base, "from": since}))
        return self._every[-1:]

    def _check(self) -> None:
        """Compare the windows with what the list said of itself when it was begun."""
        if self._absent:
            raise UnfitError(f"{len(self._absent)} records of the list's first page are in none of its windows")
        names = self._reading.met + sum(not self._reading.has(name) for name in self._refusals())
        if self._root.sized and names < self._root.size:
            raise UnfitError(f"the list has {self._root.size} records, its windows {names}")

    def _refusals(self) -> set[str]:
        return {found.identifier for one in self._every for found in one.found if isinstance(found, Refused)}

    def _whole(self, lists: Sequence[List]) -> None:
        self._reading.whole = self._reading.whole and all(one.whole for one in lists)

    def _findings(self) -> Iterator[Finding]:
        """Yield what is to be said, each once, in the order of the windows; a record that was taken is not refused."""
        ordered = sorted(self._every, key=lambda one: one.window.begin)
        for found in dict.fromkeys(found for one in ordered for found in (*one.found, *one.trouble)):
            if not (isinstance(found, Refused) and self._reading.has(found.identifier)):
                yield found
