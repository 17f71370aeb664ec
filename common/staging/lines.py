"""From the bytes of raw files to blocks of whole lines, in bounded memory, whatever the size of file or line.

Here are the faults that stop a file as a whole: NUL bytes and other encodings, a JSON file that is not one record a
line, a CSV header that can't be trusted.
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from common.errors import BadData

_BOM = b"\xef\xbb\xbf"
_FOREIGN = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class Readable(Protocol):
    """Anything with `read(n)`."""

    def read(self, n: int, /) -> bytes: ...


@dataclass(frozen=True)
class Block:
    """Whole lines of one file.

    file     name of the file
    before   lines of the file before these
    data     the bytes; every line but the file's last ends with a newline
    header   names of the CSV columns; empty for JSON
    begins   offsets of the lines in the bytes, and their end
    """

    file: str
    before: int
    data: bytes
    header: tuple[str, ...]
    begins: np.ndarray


def chunks(source: Readable, size: int, line_bytes: int) -> Iterator[bytes]:
    """The bytes in chunks of about `size` that end with a newline; of a line over `line_bytes` only the beginning.

    That beginning is one byte longer than allowed, so that the judge sees it is too long.
    """
    rest, data = b"", source.read(size)
    while data:
        following = source.read(1) if len(data) < size else b""
        is_last = len(data) < size and not following
        data = rest + data if rest else data
        cut = len(data) if is_last else data.rfind(b"\n") + 1  # the last line of a file may have no newline
        if cut:
            yield data if cut == len(data) else data[:cut]
        rest = data[cut : cut + line_bytes + 1]
        data = following + source.read(size)
    if rest:
        yield rest


def blocks(
    file: str, source: Readable, before: int, header: tuple[str, ...], columns: Sequence[str], size: int, line_bytes: int
) -> Generator[Block, None, int]:
    """The blocks of a file, or of a piece of it that begins after `before` lines; returns the lines up to its end.

    A piece that begins the file is freed of a byte-order mark and of the CSV header, which must name all `columns`; a
    later piece is given the header.
    """
    is_csv = kind_of(file) == "csv"
    for data in chunks(source, size, line_bytes):
        is_first = before == 0 and not header
        if is_first:
            data = _without_mark(file, data)
        if b"\0" in data:
            line = before + data.count(b"\n", 0, data.index(b"\0")) + 1
            raise BadData(f"{file} holds NUL bytes: not UTF-8 text", where=f"{file} line {line}", next=_RESEND)
        if is_first and is_csv:
            first, _, data = data.partition(b"\n")
            header, before = csv_header(file, first, columns), 1
        elif is_first:
            _check_json(file, data)
        begins = offsets(data)
        if data:
            yield Block(file, before, data, header, begins)
        before += len(begins) - 1 or int(not is_csv)  # a lone byte-order mark is a line, too
    if is_csv and not header:  # nothing at all came: what should have begun with a header is cut off
        csv_header(file, b"", columns)
    return before


def kind_of(file: str) -> str:
    """`json` or `csv`, by the file's name; BadData for any other."""
    name = file.lower().removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return "json"
    if name.endswith(".csv"):
        return "csv"
    raise BadData(f"{file} is neither JSON Lines nor CSV by its name", where=file, next="remove it from the raw folder")


def csv_header(file: str, line: bytes, columns: Sequence[str]) -> tuple[str, ...]:
    """The column names of a CSV file's first line. BadData unless it names each of `columns`, and no name twice.

    That is also the answer to a file without a header.
    """
    try:
        names = next(csv.reader([line.decode("utf-8").rstrip("\r\n")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        raise BadData(f"{file} does not begin with a CSV header", where=f"{file} line 1", next=_RESEND) from None
    where = f"{file} line 1: {','.join(names)[:200]}"
    if missing := [name for name in columns if name not in names]:
        raise BadData(f"{file}: the header lacks {', '.join(missing)}", where=where, next=_RESEND)
    if doubled := sorted({n for n in names if names.count(n) > 1}):
        raise BadData(f"{file}: the header names {doubled[0]!r} twice", where=where, next=_RESEND)
    return tuple(names)


def offsets(data: bytes) -> np.ndarray:
    """Where each line begins, and the end: int32."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10) + 1
    if data and not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    return np.concatenate([np.zeros(1, np.int32), ends.astype(np.int32)])


def is_utf8(data: bytes) -> bool:
    """Whether these bytes are UTF-8; ASCII is."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def shows_utf8(data: bytes) -> bool:
    """Whether some line is beyond ASCII and UTF-8: then the file's encoding is UTF-8, and other lines are damaged."""
    if data.isascii():
        return False
    return is_utf8(data) or any(is_utf8(line) and not line.isascii() for line in data.split(b"\n"))


def strings(data: bytes, starts: np.ndarray, valid: pa.Buffer | None = None) -> pa.Array:
    """The lines as Arrow strings over the same bytes, newlines included; null where not `valid`."""
    return pa.Array.from_buffers(pa.string(), len(starts) - 1, [valid, pa.py_buffer(starts), pa.py_buffer(data)])


def readable(raw: bytes, line_bytes: int) -> str:
    """The text of a raw line for the audit table: lossless, but for a line that is too long, of which it is the beginning.

    A line that is not UTF-8 (its reason says so) is kept as Latin-1, one character a byte.
    """
    line = raw.removesuffix(b"\n")
    if len(line) > line_bytes:
        return line[:line_bytes].decode("utf-8", "replace")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


_RESEND = "have the file sent again, then ./submit.sh ingest DATE --replace"


def _without_mark(file: str, data: bytes) -> bytes:
    if encoding := _FOREIGN.get(data[:2]):
        raise BadData(f"{file} is {encoding}, not UTF-8", where=f"{file} line 1", next=_RESEND)
    return data.removeprefix(_BOM)


def _check_json(file: str, data: bytes) -> None:
    """Stops on an array or a pretty-printed record where one record a line is expected.

    A first line that is a whole array is the fault of that line alone, unless it is the whole file.
    """
    first, _, rest = data.lstrip(b" \t\r\n").partition(b"\n")
    first = first.strip()
    is_open = first in (b"[", b"{") or (first.startswith(b"[") and first.endswith(b","))
    is_open |= first.startswith(b"[{") and (not first.endswith(b"]") or not rest.strip())
    if is_open:
        raise BadData(
            f"{file} is an array or pretty-printed JSON; one record a line is expected",
            where=f"{file} line 1: {first[:60].decode('utf-8', 'replace')}",
            next="convert it (jq -c '.[]' FILE for an array, jq -c . FILE else), then ./submit.sh ingest DATE --replace",
        )
