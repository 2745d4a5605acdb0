"""The demo's hydrophone: two days under the ice with cracks, a passing ship and trills of bearded seals."""

from __future__ import annotations

from pathlib import Path


def write_recordings(folder: Path) -> None:
    """Write the recordings, one minute of each hour, the same bytes every time."""
    from processors.acoustics.synth import Deployment, write_deployment

    write_deployment(folder, Deployment(minutes=1))
