"""Turns partner metadata into a static STAC catalogue, kerchunk references and a website."""

__version__ = "0.1.0"
