"""Opens a group of a NetCDF file with what it uses of the groups around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xarray.backends import NetCDF4DataStore

from builder.enrich.inherited import around, inherited

if TYPE_CHECKING:
    import netCDF4


def group_store(file: str | netCDF4.Dataset, group: str = "") -> GroupStore:
    """Return what `xarray.open_dataset` opens as a group, or as the root, of a file given by path or open."""
    made: Any = GroupStore.open if isinstance(file, str) else GroupStore
    store: GroupStore = made(file, group=group or None)
    return store


class GroupStore(NetCDF4DataStore):
    """A group as xarray opens it alone, and the variables of the groups around it that it uses.

    `xarray.DataTree` inherits indexed coordinates only, and opens no file in which a group has a dimension
    of the name, but not of the length, of one above it.
    """

    __slots__ = ()

    def inside(self, group: str) -> GroupStore:
        """Return a group of the same file, read through the same handle."""
        return GroupStore(self._manager, group=group or None, mode=self._mode, lock=self.lock, autoclose=self.autoclose)  # type: ignore[no-untyped-call]

    def get_variables(self) -> Any:
        """Return the variables of the group, then those it inherits."""
        own = super().get_variables()  # type: ignore[no-untyped-call]
        return {**own, **inherited(own, [self._beside(group) for group in around(self._group or "")])}

    def _beside(self, group: str) -> Any:
        return NetCDF4DataStore.get_variables(self.inside(group))  # type: ignore[no-untyped-call]
