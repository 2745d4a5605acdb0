"""Runs and describes processors for the command line: finds inputs, reads parameters, puts products in a folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.errors import UsageError

if TYPE_CHECKING:
    from builder.progress import Advance
    from processors.protocol import Input, Processor

LINEAGE = "lineage.json"


@dataclass(frozen=True, slots=True)
class Job:
    """What `iaos process run` is asked for.

    Attributes:
        name: Processor.
        inputs: Each a file, an address or a STAC item, with ``SLOT=`` before it where it is not the first input.
        given: Each ``NAME=VALUE``; before those of ``file``.
        file: YAML or JSON file of parameters.
        out: Folder of the products.
        engine: See `processors.engine.ENGINES`.
        workers: How many; None for as many as processors.
        cache: Folder of remembered products.
        dry_run: Whether to make nothing.
    """

    name: str
    inputs: tuple[str, ...]
    given: tuple[str, ...]
    file: Path | None
    out: Path
    engine: str
    workers: int | None
    cache: Path | None
    dry_run: bool


def run_job(job: Job, advance: Advance) -> dict[str, Any] | list[Path]:
    """Make the products of a job and return their paths; its lineage instead where it is a dry run.

    Raises:
        UsageError: The processor, its inputs or parameters cannot be used; the message says what to do.
    """
    from processors.cache import ProductCache
    from processors.engine import open_engine
    from processors.protocol import Lineage
    from processors.registry import find_processor
    from processors.run import check_inputs, execute, foresee, resolve

    with plainly(), tempfile.TemporaryDirectory(prefix="iaos-inputs-") as fetched:
        processor = find_processor(job.name)
        parameters = resolve(processor, _parameters(job))
        inputs = _inputs(processor, job.inputs, Path(fetched))
        check_inputs(processor, inputs)
        lineage = Lineage.of(processor, inputs, parameters).to_dict()
        if job.dry_run:
            return {**lineage, **foresee(processor, inputs, parameters)}
        job.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=job.out) as name:
            with open_engine(job.engine, Path(name), workers=job.workers, advance=advance) as engine:
                products = execute(
                    processor, inputs, parameters, engine, ProductCache(job.cache) if job.cache else None
                )
            for product in products:
                partial = Path(name) / f".{product.name}"
                shutil.copyfile(product.path, partial)
                partial.replace(job.out / product.name)
    listed = [
        {"name": one.name, "title": one.title, "type": one.media_type, "roles": one.roles, **one.properties}
        for one in products
    ]
    told = orjson.dumps({"lineage": lineage, "products": listed}, option=orjson.OPT_INDENT_2)
    (job.out / LINEAGE).write_bytes(told + b"\n")
    return [*(job.out / product.name for product in products), job.out / LINEAGE]


def description(name: str, form: str) -> str:
    """Describe a processor as ``text``, ``json-schema``, ``ogc``, ``wps`` (1.0.0) or ``wps2`` (2.0).

    Raises:
        UsageError: There is no such processor.
    """
    from processors.describe import as_ogc, as_schema, as_text
    from processors.describewps import as_wps
    from processors.registry import find_processor

    with plainly():
        processor = find_processor(name)
    if form in {"wps", "wps2"}:
        return as_wps(processor, "1.0.0" if form == "wps" else "2.0").decode()
    if form == "text":
        return as_text(processor)
    document = as_ogc(processor) if form == "ogc" else as_schema(processor)
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


@contextmanager
def plainly() -> Iterator[None]:
    """Turn a processor's refusal into an error of the command line."""
    from processors.errors import Refusal

    try:
        yield
    except Refusal as refusal:
        raise UsageError(refusal.told, where=refusal.where, hint=refusal.hint) from refusal


def _parameters(job: Job) -> dict[str, Any]:
    read = _read(job.file) if job.file else {}
    for text in job.given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} is no parameter", where="--param", hint="write it as NAME=VALUE")
        read[name] = _value(value)
    return read


def _value(text: str) -> Any:
    """Read JSON where a parameter is a list or mapping, and leave any other text to the model."""
    if text[:1] not in {"[", "{"}:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _read(file: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        read = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as trouble:
        raise UsageError(f"cannot be read: {str(trouble).splitlines()[0]}", where=str(file)) from trouble
    if not isinstance(read, Mapping):
        raise UsageError("holds no mapping of parameters", where=str(file), hint="write one `name: value` per line")
    return dict(read)


def _inputs(processor: Processor, given: Sequence[str], folder: Path) -> dict[str, list[Input]]:
    from builder.processing.given import inputs_of

    slots = {slot.name for slot in processor.inputs}
    pairs = []
    for text in given:
        slot, equals, name = text.partition("=")
        pairs.append((slot, name) if equals and slot in slots else (None, text))
    return inputs_of(processor, pairs, folder)
