"""Tables of items and collections for those who search by column: stac-geoparquet, one file per collection."""
