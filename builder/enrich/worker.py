"""The child process that opens partner files: limited, alone, and free to crash.

It answers each request line with a header frame and, where asked, a references frame; a frame is a
length of eight bytes and a JSON document. What goes wrong unforeseen ends the process with a last
frame that says so; the parent starts another.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from builder.apart import limit
from builder.enrich.guard import MAX_DECLARED_BYTES, UnsafeFileError, check_hdf5, file_kind, first_line
from builder.errors import UnreferenceableError
from builder.findings import error, warning

if TYPE_CHECKING:
    from builder.enrich.fetching import Parts
    from builder.references.table import Range


def main() -> None:
    """Serve requests from standard input until it ends; answer on what was standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a C library prints must not mix with the answers
    sys.excepthook = _last_words(answers)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _import_readers()
    base = _address_space()
    _send(answers, {"ready": True})
    for line in sys.stdin.buffer:
        request = orjson.loads(line)
        _limit(base + request["memory_bytes"], request["cpu_s"])
        _answer(request, answers)


def _answer(request: dict[str, Any], answers: BinaryIO) -> None:
    path, href = Path(os.fsdecode(bytes.fromhex(request["path"]))), request["href"]
    parts = None
    if request["partial"]:
        try:
            parts = _parts(path, answers)
        except (UnreferenceableError, OSError, ValueError, RuntimeError, KeyError) as trouble:
            finding = error("netcdf.unreadable", href, f"its parts cannot be read: {first_line(trouble)}")
            _send(answers, {"readable": False, "findings": [finding]})
            return
    kind, header = _header(path, href)
    _send(answers, header)
    if request["references"] and header["readable"]:
        _send(answers, _references(path, kind, href, header["declared"], parts))


def _parts(path: Path, answers: BinaryIO) -> Parts:
    """Have the parent fetch what is needed of a remote file."""
    from builder.enrich.fetching import fetch_parts

    def fetch(ranges: list[Range]) -> None:
        _send(answers, {"want": ranges})
        if not orjson.loads(sys.stdin.buffer.readline())["have"]:
            raise OSError("a part could not be fetched")

    return fetch_parts(path, fetch)


def _header(path: Path, href: str) -> tuple[str, dict[str, Any]]:
    from builder.enrich.coverage import survey
    from builder.enrich.header import ncml_of

    try:
        kind = file_kind(path)
        declared = check_hdf5(path) if kind == "hdf5" else 0
        ncml = ncml_of(path, href).decode()
        return kind, {"readable": True, "declared": declared, "ncml": ncml, **survey(path, href)}
    except UnsafeFileError as trouble:
        finding = error(trouble.rule, href, trouble.message, trouble.hint)
    except (OSError, ValueError, RuntimeError) as trouble:
        reason = getattr(trouble, "strerror", None) or first_line(trouble)
        finding = error(
            "netcdf.unreadable", href, f"the file cannot be opened: {reason}", "compare its size with the source"
        )
    return "", {"readable": False, "findings": [finding]}


def _references(path: Path, kind: str, href: str, declared: int, parts: Parts | None) -> dict[str, Any]:
    from builder.enrich.references import build_references
    from builder.references.encode import PARQUET_ABOVE, as_base64
    from builder.references.readcost import read_costs

    if declared > MAX_DECLARED_BYTES:
        message = f"the file declares {declared} bytes of values, which nothing can check"
        return {"findings": [warning("netcdf.no-references", href, message)]}
    try:
        made, key, findings = build_references(path, kind, href, parts)
        folder = made.parquet(href) if made.count() > PARQUET_ABOVE else {}
        return {
            "references": made.aimed(href).decode(),
            "parquet": {name: as_base64(body) for name, body in folder.items()},
            "combine_key": key,
            "read_cost": read_costs(made),
            "findings": list(findings),
        }
    except UnreferenceableError as trouble:
        return {"findings": [warning("netcdf.no-references", href, trouble.message, trouble.hint)]}
    except (OSError, ValueError, RuntimeError, IndexError) as trouble:
        reason = first_line(trouble)
        return {"findings": [warning("netcdf.no-references", href, f"the values cannot be read: {reason}")]}


def _send(answers: BinaryIO, message: dict[str, Any]) -> None:
    body = orjson.dumps(message)
    answers.write(len(body).to_bytes(8, "big") + body)
    answers.flush()


def _last_words(answers: BinaryIO) -> Any:
    def report(kind: type[BaseException], value: BaseException, _trace: TracebackType | None) -> None:
        _send(answers, {"failed": f"{kind.__name__}: {first_line(value)}"})

    return report


def _limit(memory_bytes: int, cpu_s: float) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit(resource.RLIMIT_AS, memory_bytes)
    spent = usage.ru_utime + usage.ru_stime
    limit(resource.RLIMIT_CPU, int(spent + cpu_s) + 1)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)


def _import_readers() -> None:
    """Load the slow libraries before the limits, so that the limits bound the file and not the libraries."""
    import h5py  # noqa: F401
    import netCDF4  # noqa: F401
    import xarray  # noqa: F401
    import zarr

    import builder.enrich.coverage
    import builder.enrich.fetching
    import builder.enrich.groupstore
    import builder.enrich.header
    import builder.enrich.references
    import builder.enrich.translate
    import builder.enrich.verify  # noqa: F401

    zarr.config.set({"threading.max_workers": 2, "async.concurrency": 4})


def _address_space() -> int:
    """Return the bytes of address space in use (``man 5 proc``, statm, first field); 0 where no system tells."""
    told = Path("/proc/self/statm")
    return int(told.read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGESIZE") if told.exists() else 0


if __name__ == "__main__":
    main()
