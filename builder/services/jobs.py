"""Runs of processors that were asked for over the network: fetched inputs, a process each, results as a STAC item."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import orjson

from builder.datafiles.inspecting import Blind
from builder.definitions.model import CollectionDefinition, Partner, ProcessSource
from builder.errors import IaosError, UsageError
from builder.findings import Finding
from builder.gathering.compose import compose, read
from builder.processing.child import Child
from builder.processing.given import inputs_of
from builder.processing.source import record_of
from builder.sources.http import HttpGate
from processors.cache import ProductCache
from processors.errors import Refusal
from processors.protocol import Lineage
from processors.registry import find_processor
from processors.run import check_inputs, resolve

Status: TypeAlias = Literal["accepted", "running", "successful", "failed", "dismissed"]
"""As OGC API - Processes names them (OGC 18-062r2, section 7.12)."""

AT_ONCE = 2
MOST_KEPT = 100
"""Of more jobs than these the oldest that have ended are forgotten."""


@dataclass
class Job:
    """One run.

    Attributes:
        id: Its name, which cannot be guessed.
        processor: Name of the processor.
        status: How far it is.
        message: Why it failed, or nothing.
        item: STAC document of its products, whose links lead to files below ``files``.
        files: Products by name.
    """

    id: str
    processor: str
    status: Status = "accepted"
    message: str = ""
    item: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    future: Future[None] | None = None


@dataclass
class Jobs:
    """All jobs of one server.

    Args:
        folder: Where products are kept while the server runs.
        url: Address of the server, with a slash at its end; private addresses other than it are never fetched.
        engine: See `processors.engine.ENGINES`.
        deadline_s: Longest time for one run, seconds.
    """

    folder: Path
    url: str
    engine: str = "threads"
    deadline_s: float = 3600.0
    known: dict[str, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start the workers; each job is a process of its own."""
        self._pool = ThreadPoolExecutor(AT_ONCE)

    def close(self) -> None:
        """Wait for what runs, and start nothing more."""
        self._pool.shutdown(cancel_futures=True)

    def start(self, processor: str, given: Sequence[tuple[str, str]], parameters: Mapping[str, Any]) -> Job:
        """Begin a job.

        Args:
            processor: Name of the processor.
            given: Name and address of each input.
            parameters: Its parameters.

        Raises:
            UsageError: There is no such processor, or it takes no such input or parameter.
        """
        self._forget()
        try:
            found = find_processor(processor)
            resolve(found, parameters)
            slots = {slot.name for slot in found.inputs}
            for name, _ in given:
                if name not in slots:
                    check_inputs(found, {name: ()})
        except Refusal as refusal:
            raise UsageError(refusal.message, where=refusal.where, hint=refusal.hint) from refusal
        job = Job(secrets.token_urlsafe(12), processor)
        self.known[job.id] = job
        job.future = self._pool.submit(self._run, job, list(given), dict(parameters))
        return job

    def dismiss(self, job: Job) -> None:
        """Forget a job; one that waits is not begun."""
        if job.future is not None:
            job.future.cancel()
        job.status = "dismissed"
        self.known.pop(job.id, None)

    def _forget(self) -> None:
        ended = [job for job in self.known.values() if job.status in {"successful", "failed"}]
        for job in ended[: max(0, len(self.known) - MOST_KEPT + 1)]:
            self.known.pop(job.id)

    def _run(self, job: Job, given: list[tuple[str, str]], parameters: dict[str, Any]) -> None:
        job.status = "running"
        inputs = self.folder / f"inputs-{job.id}"
        try:
            self._make(job, given, parameters, inputs)
        except (IaosError, Refusal) as trouble:
            where = f"{trouble.where}: " if trouble.where else ""
            job.message = where + trouble.message + (f" ({trouble.hint})" if trouble.hint else "")
            job.status = "failed"
        else:
            job.status = "successful"
        finally:
            shutil.rmtree(inputs, ignore_errors=True)
            if job.status == "running":
                job.status, job.message = "failed", "an error that was not foreseen"

    def _make(self, job: Job, given: list[tuple[str, str]], parameters: dict[str, Any], folder: Path) -> None:
        processor = find_processor(job.processor)
        resolved = resolve(processor, parameters)
        own = self.url.rstrip("/").partition("://")[2]
        inputs = inputs_of(
            processor, given, folder, local=False, gate_of=lambda _: HttpGate([own], delay_s=0, anywhere=True)
        )
        check_inputs(processor, inputs)
        lineage = Lineage.of(processor, inputs, resolved)
        cache = ProductCache(self.folder / "products")
        if cache.find(lineage) is None:
            Child(cache.folder, self.engine, self.deadline_s).run(processor.name, parameters, inputs)
        products = cache.find(lineage)
        if products is None:
            raise UsageError("its products are damaged", where=processor.name, hint="run it again")
        told = [{"slot": slot, "href": href, "sha256": digest} for slot, href, digest in lineage.inputs]
        record = record_of(job.id, processor, lineage, products, told, {})
        definition = _definition(job.processor)
        made = compose(definition, record, read(definition, record, Blind()), by_year=False, taken=set())
        if isinstance(made, Finding):
            raise UsageError(made.message, where=job.processor)
        job.files = {product.name: product.path for product in products}
        job.item = _placed(made.stac, f"{self.url}ogc/jobs/{job.id}", job.files)


def _definition(processor: str) -> CollectionDefinition:
    source = ProcessSource.model_construct(type="process", processor=processor, inputs={})
    return CollectionDefinition.model_construct(
        id="jobs", title="Jobs", description="Jobs", partner=Partner(id="local", name="Local"), source=source
    )


def _placed(stac: dict[str, Any], address: str, files: Mapping[str, Path]) -> dict[str, Any]:
    """Return a STAC document by itself: its assets are files of the job, and it has no catalogue around it."""
    placed: dict[str, Any] = orjson.loads(orjson.dumps(stac))
    placed["assets"] = {
        name: {**asset, "href": f"{address}/files/{name}"} for name, asset in placed["assets"].items() if name in files
    }
    placed["links"] = [{"rel": "self", "href": f"{address}/item.json", "type": "application/geo+json"}]
    placed.pop("collection", None)
    return placed
