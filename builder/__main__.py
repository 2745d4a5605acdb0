"""Lets `python -m builder` do what `iaos` does."""

from builder.cli import main

if __name__ == "__main__":  # worker processes load this module, too, under another name
    main()
