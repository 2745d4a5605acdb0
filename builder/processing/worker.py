"""The child process that runs one processor: free to crash; it puts products into the cache and prints JSON."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from builder.apart import end_with_parent


def main() -> None:
    """Do what the request on standard input asks; answer with an object, empty or with a refusal in it."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a C library prints must not mix with the answer
    request = orjson.loads(sys.stdin.buffer.read())
    with answers:
        answers.write(orjson.dumps(perform(request)))


def perform(request: dict[str, Any]) -> dict[str, Any]:
    """Run a processor.

    Args:
        request: ``processor``, ``parameters``, ``inputs`` (slot, href, path and sha256 of each), ``cache`` (folder of
            products) and ``engine``.

    Returns:
        Nothing where the products are in the cache, else ``refused``: message, where, hint and code.
    """
    from processors.cache import ProductCache
    from processors.engine import open_engine
    from processors.errors import Refusal
    from processors.protocol import Input
    from processors.registry import find_processor
    from processors.run import execute, resolve

    inputs: dict[str, list[Input]] = {}
    for one in request["inputs"]:
        inputs.setdefault(one["slot"], []).append(Input(one["href"], Path(one["path"]), one["sha256"]))
    cache = Path(request["cache"])
    cache.mkdir(parents=True, exist_ok=True)
    try:
        processor = find_processor(request["processor"])
        parameters = resolve(processor, request["parameters"])
        with (
            tempfile.TemporaryDirectory(prefix=".making-", dir=cache) as name,
            open_engine(request["engine"], Path(name)) as engine,
        ):
            execute(processor, inputs, parameters, engine, ProductCache(cache))
    except Refusal as refusal:
        said = {"message": refusal.message, "where": refusal.where, "hint": refusal.hint, "code": refusal.code}
        return {"refused": said}
    return {}


if __name__ == "__main__":
    end_with_parent()
    main()
