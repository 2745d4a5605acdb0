"""Datasets as STAC 1.1 objects: where each stands, what it says, and the bytes it is written as."""

from __future__ import annotations
