"""Runs one processor in a process of its own, so that neither a crash nor a leak reaches the build."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.errors import IaosError

if TYPE_CHECKING:
    from processors.protocol import Input


class RunError(IaosError):
    """A processor refused its inputs, or its process was lost; what it made before is kept.

    ``lasting`` says that the same inputs would be refused again; ``refusal`` is the code of the processor's own
    refusal, such as ``GEOSTAT.TOO_FEW``, where it has one.
    """

    code = "run"
    exit_status = 3
    lasting = False
    refusal = ""


@dataclass(frozen=True, slots=True)
class Child:
    """How processors are run.

    Attributes:
        cache: Folder of products.
        engine: See `processors.engine.ENGINES`.
        deadline_s: Longest time for one run, seconds.
    """

    cache: Path
    engine: str
    deadline_s: float

    def run(self, processor: str, parameters: Mapping[str, Any], inputs: Mapping[str, Sequence[Input]]) -> None:
        """Run a processor to its end; its products are in the cache then.

        Raises:
            RunError: It refused, ended without an answer, or took too long.
        """
        request = {
            "processor": processor,
            "parameters": dict(parameters),
            "inputs": [
                {"slot": slot, "href": one.href, "path": str(one.path.resolve()), "sha256": one.sha256}
                for slot, given in inputs.items()
                for one in given
            ],
            "cache": str(self.cache.resolve()),
            "engine": self.engine,
        }
        said = self._answer(orjson.dumps(request), processor)
        if "refused" in said:
            refusal = said["refused"]
            where = f"{refusal['where']}: " if refusal["where"] else ""
            trouble = RunError(where + refusal["message"], where=processor, hint=refusal["hint"])
            trouble.lasting, trouble.refusal = True, refusal["code"]
            raise trouble

    def _answer(self, request: bytes, processor: str) -> dict[str, Any]:
        command = [sys.executable, "-P", "-m", "builder.processing.worker"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, start_new_session=True, **pipes) as child:  # noqa: S603  (our own module)
            try:
                answer, errors = child.communicate(request, timeout=self.deadline_s)
            except subprocess.TimeoutExpired:
                raise RunError(f"took longer than {self.deadline_s:g} s", where=processor) from None
            finally:
                if child.returncode is None:
                    os.killpg(child.pid, signal.SIGKILL)  # with the workers it has started
        if child.returncode == 0 and answer:
            return dict(orjson.loads(answer))
        lines = errors.decode(errors="replace").strip().splitlines()
        ended = f"signal {-child.returncode}" if child.returncode < 0 else f"status {child.returncode}"
        raise RunError(f"its process ended with {ended}: {(lines or ['no word'])[-1][:300]}", where=processor)
