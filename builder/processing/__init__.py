"""Runs processors that collection definitions name, each night, on what the other collections offer."""
