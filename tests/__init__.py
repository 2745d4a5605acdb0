"""What the suites share; a package, so that no library that installs its own `tests` stands in its place."""
