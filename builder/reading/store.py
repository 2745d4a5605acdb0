"""Opens kerchunk references as a Zarr store that never takes another file's bytes for the ones referred to."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientConnectionError, ClientPayloadError, ClientResponse, ClientSession
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
from fsspec.implementations.http import HTTPFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.reference import ReferenceFileSystem

from builder.errors import ReadingError, StaleError
from builder.reading.locate import Source, Stated, local
from builder.references.encode import FILES
from builder.references.grouped import of_group

TRIES = 4
PAUSE_S = 0.25
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


class CheckedHTTPFileSystem(HTTPFileSystem):  # type: ignore[misc]
    """Reads ranges only as asked for, and only of the very file that the references were made from.

    Every answer to a range request says how large the whole file is, and mostly its entity tag; both are compared
    with what was recorded, which costs no further request. Transient failures are tried again.
    """

    cachable = False

    def __init__(self, stated: Mapping[str, Stated]) -> None:
        super().__init__(asynchronous=True)
        self.stated = stated

    async def set_session(self) -> ClientSession:
        """Open the session once; its connections are closed with this object, at the latest at exit."""
        is_new = self._session is None
        session: ClientSession = await super().set_session()
        if is_new:
            weakref.finalize(self, self.close_session, asyncio.get_running_loop(), session)
        return session

    async def _cat_file(self, url: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        for attempt in range(TRIES):
            try:
                return await self._once(url, start, end)
            except (ClientConnectionError, ClientPayloadError, _TransientError) as trouble:
                if attempt == TRIES - 1:
                    raise ReadingError(f"no complete answer ({trouble})", where=url) from trouble
            await asyncio.sleep(PAUSE_S * 2**attempt)
        raise AssertionError

    async def _once(self, url: str, start: int | None, end: int | None) -> bytes:
        ranged = start is not None and end is not None
        if ranged and start == end:
            return b""
        headers = {"Range": f"bytes={start}-{end - 1}"} if start is not None and end is not None else {}
        session = await self.set_session()
        async with session.get(self.encode_url(url), headers=headers | {"Accept-Encoding": "identity"}) as answer:
            if answer.status in TRANSIENT:
                raise _TransientError(f"HTTP status {answer.status}")
            size = _whole_size(answer)
            self._check(url, answer, size)
            if ranged and answer.status != 206:
                raise ReadingError("the server does not serve parts of files", where=url, hint="download it instead")
            body: bytes = await answer.read()
        if start is not None and end is not None and len(body) != end - start:
            raise StaleError("the file is shorter than its references say", where=url, hint=StaleError.HINT)
        return body

    def _check(self, url: str, answer: ClientResponse, size: int | None) -> None:
        if answer.status == 416:
            raise StaleError("the file is shorter than its references say", where=url, hint=StaleError.HINT)
        if answer.status >= 400:
            raise ReadingError(f"HTTP status {answer.status}", where=url)
        stated = self.stated.get(url, Stated())
        pairs = (
            ("size", stated.size, size),
            ("ETag", stated.etag, answer.headers.get("ETag")),
            ("time of change", stated.modified, answer.headers.get("Last-Modified")),
        )
        for name, then, now in pairs[:2] if stated.etag else pairs:
            if then is not None and now is not None and then != now:
                message = f"the file changed after its references were made ({name} {then}, now {now})"
                raise StaleError(message, where=url, hint=StaleError.HINT)


class _TransientError(Exception):
    """A refusal that may pass."""


def _whole_size(answer: ClientResponse) -> int | None:
    total = answer.headers.get("Content-Range", "").rpartition("/")[2]
    if answer.status == 206:
        return int(total) if total.isdigit() else None
    return answer.content_length


def reference_files(source: Source, group: str = "") -> tuple[ReferenceFileSystem | None, list[str]]:
    """Return the file system of a group's references, and all groups; local data files are checked at once.

    The group becomes the root, since Zarr finds nothing in folders of references, with what it uses of the groups
    around it. None stands for no such group.

    Raises:
        ReadingError: The references are in a form or point to a kind of address that is not read.
        StaleError: A local file is not the one the references were made from.
    """
    document = source.document
    if document is None and not source.href.rstrip("/").lower().endswith((".parquet", ".parq")):
        import orjson

        from builder.reading.locate import fetch

        document = orjson.loads(fetch(source.href))
    stated = {**_stated_within(document, source), **source.stated}
    _check_local(stated)
    document = _placed(document, source.href)
    refs = _references(document)
    groups = sorted(key.rpartition("/")[0] for key in refs if key.rpartition("/")[2] == ".zgroup") or [""]
    if group not in groups:
        return None, groups
    if group:
        document = {**(document or {}), "refs": of_group(refs, group)}
    here = AsyncFileSystemWrapper(LocalFileSystem(), asynchronous=True)
    web = CheckedHTTPFileSystem(stated)
    files = ReferenceFileSystem(
        document or source.href.rstrip("/"),
        fs={None: here, "file": here, "local": here, "http": web, "https": web},
        asynchronous=True,
        skip_instance_cache=True,
    )
    return files, groups


def _stated_within(document: Mapping[str, Any] | None, source: Source) -> dict[str, Stated]:
    """Return what references into many files say of each; a folder of Parquet is asked only where it is so many."""
    if document is None and source.properties.get("type") == "Collection":
        import orjson

        from builder.reading.locate import fetch

        document = orjson.loads(fetch(f"{source.href.rstrip('/')}/.zmetadata"))
    said: Mapping[str, Any] = (document or {}).get(FILES, {})
    return {
        local(href): Stated(one.get("size"), one.get("etag"), one.get("last_modified")) for href, one in said.items()
    }


def _references(document: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the references of a document; none for Parquet, of which only the root is read."""
    refs: Mapping[str, Any] = {} if document is None else document.get("refs", document)
    return refs


def _placed(document: Mapping[str, Any] | None, href: str) -> Mapping[str, Any] | None:
    """Return references whose targets are addresses: one that is a name lies beside the references."""
    from builder.reading.locate import absolute

    refs = _references(document)
    beside = {key: value for key, value in refs.items() if isinstance(value, list) and _is_name(value[0])}
    placed = {key: [absolute(value[0], href), *value[1:]] for key, value in beside.items()}
    return {**(document or {}), "refs": {**refs, **placed}} if placed else document


def _is_name(target: str) -> bool:
    return "://" not in target and "{{" not in target and not target.startswith("/")


def _check_local(stated: Mapping[str, Stated]) -> None:
    from pathlib import Path

    for href, said in stated.items():
        path = Path(local(href))
        if "://" in str(path) or said.size is None or not path.is_file():
            continue
        if path.stat().st_size != said.size:
            message = f"the file changed after its references were made (size {said.size}, now {path.stat().st_size})"
            raise StaleError(message, where=href, hint=StaleError.HINT)
