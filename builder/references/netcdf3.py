"""Finds where the values of classic NetCDF files lie: classic, 64-bit offset and 64-bit data (CDF-5).

The NetCDF classic format specification and its CDF-5 extension (PnetCDF); all numbers are big-endian. Attributes
are skipped, because netCDF-C reads them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from builder.errors import UnreferenceableError
from builder.references.table import ArrayTable, Read, contiguous, divisor, located

TYPES = {1: "|i1", 2: "|S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8", 7: "|u1", 8: ">u2", 9: ">u4", 10: ">i8", 11: ">u8"}
DIMENSION, VARIABLE, ATTRIBUTE = 10, 11, 12
STREAMING = {4: 0xFFFFFFFF, 8: 0xFFFFFFFFFFFFFFFF}
"""Number of records, by its width, of a file whose writer never said how many there are."""
FIRST_READ = 64 << 10
MAX_HEADER = 64 << 20
MAX_ENTRIES = 100_000
RECORD_BYTES = 4096
"""Records of one variable from this size on get a reference each."""
FEW_RECORDS = 1000


class _ShortError(Exception):
    """The header goes on beyond what was read."""


@dataclass(frozen=True, slots=True)
class _Variable:
    name: str
    shape: tuple[int, ...]
    dtype: str
    begin: int
    record: bool

    @property
    def nbytes(self) -> int:
        """Bytes of the values: all of them, or those of one record."""
        return math.prod(self.shape[1:] if self.record else self.shape) * np.dtype(self.dtype).itemsize


def scan_netcdf3(read: Read, end: int) -> dict[str, ArrayTable]:
    """Return a table per variable.

    Records of several variables lie in turns. Large ones get a reference each; of small ones a chunk is a stretch of
    whole records, out of which kerchunk's codec ``record_member`` picks the variable's own bytes.

    Args:
        read: Reads ranges of the file.
        end: Its size, bytes.

    Raises:
        UnreferenceableError: The header contradicts itself or the size of the file.
    """
    length = FIRST_READ
    while True:
        (head,) = read([(0, min(length, end))])
        try:
            records, variables = _Header(head, end).parse()
            break
        except _ShortError:
            length *= 4
            if length > MAX_HEADER or len(head) >= end:
                raise UnreferenceableError("the header is incomplete") from None
    return _tables(variables, records, end)


class _Header:
    """Reads the header front to back; every length is checked against what is there."""

    def __init__(self, data: bytes, end: int) -> None:
        self.data, self.end, self.at = data, end, 4
        self.wide = data[3:4] == b"\x05"
        self.count_width = 8 if self.wide else 4
        self.offset_width = 4 if data[3:4] == b"\x01" else 8

    def parse(self) -> tuple[int, list[_Variable]]:
        """Return the number of records and the variables."""
        records = self._number(self.count_width)
        if records == STREAMING[self.count_width]:
            raise UnreferenceableError("the header leaves the number of records open, which netCDF-C does not count")
        lengths = [self._dimension() for _ in range(self._list(DIMENSION))]
        self._skip_attributes()
        variables = [self._variable(lengths, records) for _ in range(self._list(VARIABLE))]
        return records, variables

    def _take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise _ShortError
        self.at += count
        return self.data[self.at - count : self.at]

    def _number(self, width: int) -> int:
        return int.from_bytes(self._take(width), "big")

    def _count(self) -> int:
        count = self._number(self.count_width)
        if count > self.end:
            raise UnreferenceableError("the header counts more than the file can hold")
        return count

    def _list(self, kind: int) -> int:
        tag, count = self._number(4), self._count()
        if (tag, count) == (0, 0):
            return 0
        if tag not in {0, kind} or count > MAX_ENTRIES:
            raise UnreferenceableError("the header is damaged")
        return count

    def _name(self) -> str:
        length = self._count()
        return self._take(length + -length % 4)[:length].decode("utf-8", "replace")

    def _dimension(self) -> int:
        self._name()
        return self._number(self.count_width)

    def _skip_attributes(self) -> None:
        for _ in range(self._list(ATTRIBUTE)):
            self._name()
            itemsize = np.dtype(self._type()).itemsize
            nbytes = self._count() * itemsize
            self._take(nbytes + -nbytes % 4)

    def _type(self) -> str:
        code = self._number(4)
        if code not in TYPES:
            raise UnreferenceableError(f"the header names an unknown type {code}")
        return TYPES[code]

    def _variable(self, lengths: list[int], records: int) -> _Variable:
        name = self._name()
        rank = self._count()
        if rank > MAX_ENTRIES:
            raise UnreferenceableError("the header is damaged")
        ids = [self._number(self.count_width) for _ in range(rank)]
        if any(number >= len(lengths) for number in ids):
            raise UnreferenceableError(f"variable {name} has a dimension that there is not")
        self._skip_attributes()
        dtype = self._type()
        self._number(self.count_width)  # the size of the variable, which is not to be trusted
        begin = self._number(self.offset_width)
        record = bool(ids) and lengths[ids[0]] == 0
        shape = tuple(lengths[number] for number in ids)
        return _Variable(name, (records, *shape[1:]) if record else shape, dtype, begin, record)


def record_size(sizes: list[int]) -> int:
    """Return the bytes from one record to the next, given those of each variable.

    Each is padded to four bytes, unless it is the only one (specification, "Note on padding").
    """
    return sizes[0] if len(sizes) == 1 else sum(size + -size % 4 for size in sizes)


def _tables(variables: list[_Variable], records: int, end: int) -> dict[str, ArrayTable]:
    own = [variable for variable in variables if variable.record]
    stride = record_size([variable.nbytes for variable in own])
    many = records * len(own) > FEW_RECORDS
    first = min((variable.begin for variable in own), default=0)
    found: dict[str, ArrayTable] = {}
    for variable in variables:
        if not variable.record or variable.nbytes == stride:
            found[variable.name] = contiguous(variable.shape, variable.dtype, variable.begin, end)
        elif many and variable.nbytes < RECORD_BYTES:
            found[variable.name] = _member(variable, records, stride, first, end)
        else:
            found[variable.name] = _record_by_record(variable, records, stride, end)
    return found


def _record_by_record(variable: _Variable, records: int, stride: int, end: int) -> ArrayTable:
    blank = ArrayTable(variable.shape, (1, *(max(n, 1) for n in variable.shape[1:])), variable.dtype)
    if not math.prod(variable.shape):
        return blank
    if variable.begin + (records - 1) * stride + variable.nbytes > end:
        raise UnreferenceableError("records are said to lie beyond the end of the file")
    numbers = np.arange(records, dtype=np.int64)
    return located(blank, numbers, variable.begin + numbers * stride, np.full(records, variable.nbytes, np.int64), end)


def _member(variable: _Variable, records: int, stride: int, first: int, end: int) -> ArrayTable:
    """Return chunks of whole records of all variables, with the codec that picks this one out."""
    before = variable.begin - first
    after = stride - before - variable.nbytes
    if before < 0 or after < 0 or first + records * stride > end:
        return _record_by_record(variable, records, stride, end)
    own = f"{variable.shape[1:]}" if len(variable.shape) > 1 else ""
    fields = [*([f"V{before}"] if before else []), own + variable.dtype, *([f"V{after}"] if after else [])]
    codec = {"id": "record_member", "member": f"f{int(before > 0)}", "dtype": ",".join(fields)}
    step = divisor(records, stride)
    blank = ArrayTable(variable.shape, (step, *variable.shape[1:]), variable.dtype, (codec,))
    numbers = np.arange(records // step, dtype=np.int64)
    size = step * stride
    return located(blank, numbers, first + numbers * size, np.full(len(numbers), size, np.int64), end)
