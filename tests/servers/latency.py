"""A web server in a process of its own that waits before each answer, as a partner far away does.

It serves files of one folder, or any address with the one file given, by ranges, at a bounded rate per connection,
and at ``/counts`` says how many requests it answered with how many bytes since it was last asked that.
Run it as a script with ``--latency`` seconds; it prints its port.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from urllib.parse import unquote, urlsplit


@contextmanager
def latency_server(folder: Path, *, latency_s: float = 0.03, rate: float = 50e6) -> Iterator[str]:
    """Serve a folder from another process; ``/any/<name>/<file>`` gives ``<file>``. Yields the address."""
    with started(__file__, str(folder), "--latency", str(latency_s), "--rate", str(rate)) as address:
        yield address


@contextmanager
def started(script: str, *words: str) -> Iterator[str]:
    """Run a script that prints its port; yields its address and ends it afterwards."""
    with subprocess.Popen([sys.executable, script, *words], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


async def serve(answer_to: Callable[[str], bytes], latency_s: float, rate: float) -> None:
    """Serve for ever what ``answer_to`` makes of the head of a request, late; print the port first."""
    counted = [0, 0]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(latency_s)  # the connection itself
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(latency_s)
                if head.startswith(b"GET /counts "):
                    said = f"{counted[0]} {counted[1]}".encode()
                    counted[:] = [0, 0]
                    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)
                else:
                    answer = answer_to(head.decode("latin-1"))
                    counted[:] = [counted[0] + 1, counted[1] + len(answer)]
                await asyncio.sleep(len(answer) / rate)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@cache
def _bytes(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _answer(folder: Path, head: str) -> bytes:
    lines = head.split("\r\n")
    method, target, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    path = unquote(urlsplit(target).path).lstrip("/")
    file = folder / (path.split("/", 2)[2] if path.startswith("any/") else path)
    data = _bytes(file)
    if data is None:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    first, last, status, extra = 0, len(data) - 1, "200 OK", ""
    if asked := headers.get("range", "").removeprefix("bytes="):
        begin, _, end = asked.partition("-")
        first = int(begin) if begin else len(data) - int(end)
        last = min(int(end), last) if begin and end else last
        status, extra = "206 Partial Content", f"Content-Range: bytes {first}-{last}/{len(data)}\r\n"
    said = f"HTTP/1.1 {status}\r\n{extra}Accept-Ranges: bytes\r\nContent-Length: {last - first + 1}\r\n\r\n".encode()
    return said if method == "HEAD" else said + data[first : last + 1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--latency", type=float, default=0.03)
    parser.add_argument("--rate", type=float, default=50e6)
    said = parser.parse_args()
    asyncio.run(serve(partial(_answer, said.folder), said.latency, said.rate))
