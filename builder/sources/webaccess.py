"""Asks a host once whether pages of other origins may read parts of its files (CORS and byte ranges)."""

from __future__ import annotations

from dataclasses import dataclass, field

from builder.errors import FetchError
from builder.memory.checked import check, checked
from builder.memory.state import State
from builder.sources.http import HttpGate, origin_of

ORIGIN = "https://reader.example"
_ASKED = {"Origin": ORIGIN, "Range": "bytes=0-7", "Accept-Encoding": "identity"}


@dataclass
class WebAccess:
    """Knows of hosts whether the website may offer to read their files.

    Each host is asked once a run, with one of its files; one that does not answer is what it was before.

    Args:
        state: Where the last answers are remembered.
    """

    state: State
    _known: dict[str, bool] = field(default_factory=dict)

    def allowed(self, gate: HttpGate, url: str) -> bool:
        """Tell whether pages of any origin may read ranges of a file's host."""
        host = origin_of(url)
        if host not in self._known:
            self._known[host] = self._ask(gate, url, f"hosts/{host.replace(':', '_')}")
        return self._known[host]

    def _ask(self, gate: HttpGate, url: str, name: str) -> bool:
        if checked(self.state, name):
            return self.state.read(name) == b"yes"
        try:
            answer = gate.get(url, headers=_ASKED, max_bytes=8)
            allowed = answer.status == 206 and answer.headers.get("access-control-allow-origin") in {"*", ORIGIN}
        except FetchError as trouble:
            if trouble.passing or (trouble.status is None and "larger" not in trouble.message):
                return self.state.read(name) == b"yes"
            allowed = False
        self.state.keep(name, b"yes" if allowed else b"no")
        check(self.state, name)
        return allowed
