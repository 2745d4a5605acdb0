"""Opens a folder, S3, GCS or Azure by its address, and says in one line what went wrong there."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from builder.errors import PublishError, UsageError

RETRIES = {
    "max_retries": 5,
    "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=10), "base": 2},
    "retry_timeout": timedelta(minutes=2),
}
TIMEOUTS = {"connect_timeout": timedelta(seconds=10), "timeout": timedelta(minutes=5)}

ADVICE = {
    "PermissionDeniedError": "the server refuses these credentials; they need to read, write and delete here",
    "UnauthenticatedError": "the server wants credentials; set them in the environment",
    "FileNotFoundError": "is the bucket's name right, and does it exist?",
    "NotFoundError": "is the bucket's name right, and does it exist?",
}

_NO_CREDENTIALS = "no credentials are set; see the page on publishing"
_NOT_WRITABLE = "see whether its folders may be written to; what is there stays readable"
SAID = {
    "169.254.169.254": _NO_CREDENTIALS,
    "metadata.google": _NO_CREDENTIALS,
    "InvalidAccessKeyId": ADVICE["PermissionDeniedError"],
    "SignatureDoesNotMatch": ADVICE["PermissionDeniedError"],
    "Read-only file system": _NOT_WRITABLE,
    "Permission denied": _NOT_WRITABLE,
    "No space left": "make room there, and publish again; what is there stays readable",
    "NoSuchBucket": ADVICE["FileNotFoundError"],
    "error sending request": "the server cannot be reached; is the address right?",
}
"""Words of an error → what to do; the first that are met count."""


def open_store(target: str, endpoint: str | None = None, *, make: bool = False) -> Any:
    """Open the object store behind an address.

    Args:
        target: A folder, ``file:///folder``, ``s3://bucket/prefix``, ``gs://bucket/prefix``,
            ``abfs://container@account.dfs.core.windows.net/prefix`` or ``az://container/prefix``.
        endpoint: Address of an S3-compatible server; plain http is allowed then.
        make: Make a folder that is not there; else it is read as an empty one.

    Raises:
        UsageError: The address is not understood.
    """
    from obstore.exceptions import BaseError
    from obstore.store import HTTPStore, LocalStore, MemoryStore, from_url

    hint = (
        "use a folder, s3://bucket/prefix, gs://bucket/prefix or abfs://container@account.dfs.core.windows.net/prefix"
    )
    options: Any = {**TIMEOUTS, "allow_http": bool(endpoint and endpoint.startswith("http://"))}
    retries: Any = RETRIES
    try:
        if "://" not in target or target.startswith("file://"):
            path = Path(target.removeprefix("file://")).absolute()
            if not make and not path.exists():
                return MemoryStore()
            path.mkdir(parents=True, exist_ok=True)
            return LocalStore(path, automatic_cleanup=True)
        config: Any = {"endpoint": endpoint} if endpoint else None
        store = from_url(target, config=config, client_options=options, retry_config=retries)
    except (BaseError, ValueError, OSError) as trouble:
        raise UsageError(f"cannot open the target: {first_line(trouble)}", where=target, hint=hint) from trouble
    if isinstance(store, HTTPStore | MemoryStore):
        raise UsageError("cannot open the target: it is no object store", where=target, hint=hint)
    return store


def is_folder(store: Any) -> bool:
    """Tell whether a store is a local folder (without attributes and conditional overwriting)."""
    from obstore.store import LocalStore

    return isinstance(store, LocalStore)


def is_nowhere(store: Any) -> bool:
    """Tell whether a store stands for a folder that is not there."""
    from obstore.store import MemoryStore

    return isinstance(store, MemoryStore)


def read(store: Any, key: str) -> bytes | None:
    """Return an object's bytes, uncompressed where they were stored with a content-encoding; None if there is none."""
    from obstore import get

    try:
        got = get(store, key)
    except FileNotFoundError:
        return None
    data = bytes(got.bytes())
    return gzip.decompress(data) if got.attributes.get("Content-Encoding") == "gzip" else data


@contextmanager
def told(target: str, doing: str) -> Iterator[None]:
    """Turn whatever a store raises into one line.

    Raises:
        PublishError: The store refused or could not be reached.
    """
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, OSError) as trouble:
        raise PublishError(f"{doing} failed: {first_line(trouble)}", where=target, hint=_advice(trouble)) from trouble


def _advice(trouble: BaseException) -> str:
    text = str(trouble)
    said = next((advice for words, advice in SAID.items() if words in text), None)
    return said or ADVICE.get(type(trouble).__name__, "publish again; what is there stays readable")


def first_line(trouble: BaseException) -> str:
    """Return the first line of what a library says."""
    return (str(trouble).splitlines() or [type(trouble).__name__])[0].strip()
