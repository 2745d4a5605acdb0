"""Lets `python -m builder` do what `iaos` does."""

from builder.cli import main

main()
