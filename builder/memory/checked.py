"""What a run has asked partners already, so that the run that mends it after a kill does not ask again."""

from __future__ import annotations

from builder import clock
from builder.memory.state import State, cache_name

_FOLDER = "checks"


def check(state: State, what: str) -> None:
    """Remember at once that this was asked today."""
    state.keep(_name(what), _today())


def checked(state: State, what: str) -> bool:
    """Tell whether this was asked today, by this run or by one that did not end."""
    return state.read(_name(what)) == _today()


def forget_checks(state: State) -> None:
    """Forget, at the end of a run, what was asked: the next run asks anew."""
    for name in state.kept(_FOLDER):
        state.drop(name)


def _name(what: str) -> str:
    return cache_name(_FOLDER, what)


def _today() -> bytes:
    return clock.now().date().isoformat().encode()
