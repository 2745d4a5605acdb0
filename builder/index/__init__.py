"""The index that the search page and `iaos search --page` read by ranges: two files, however many items there are."""
