"""Search in a static catalogue by its tables, shaped like pystac-client: `Client.open(…).search(…).items()`."""

from builder.search.client import Client, ItemSearch

__all__ = ["Client", "ItemSearch"]
