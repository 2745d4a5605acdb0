"""The wanted files and the published ones, the plan that leads from one to the other, and its execution."""

from __future__ import annotations
