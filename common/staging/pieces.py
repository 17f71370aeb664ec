"""Pieces of raw files in HDFS: which task reads what, and reading it with every byte verified against the manifest."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from common.clients.hdfs import Hdfs
from common.errors import BadData
from common.landing.describe import RawFile
from common.staging.lines import Block, Readable, blocks, csv_header, kind_of

_GZIP_GROWS = 10  # a compressed byte is taken for so many when work is shared out
BLOCKS_A_TASK = 8  # the wait for a file's close is hidden behind the next block; what a retry repeats stays small
_READERS = 4  # small files that a task reads at a time: most of the time is waiting
_HEADER_BYTES = 1 << 16
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Piece:
    """A part of a raw file that one task reads: bytes `start` to `end`, after `before` lines of the file."""

    path: str
    file: str
    start: int
    end: int
    before: int
    lines: int
    sha256: str

    @property
    def weight(self) -> int:
        """About how many bytes of text it holds."""
        return (self.end - self.start) * (_GZIP_GROWS if self.file.endswith(".gz") else 1)


def pieces_of(folder: str, files: Iterable[RawFile], columns: Sequence[str]) -> list[Piece]:
    """All pieces of a raw folder, in the order of file and place. BadData for a CSV of no bytes: it lacks its header.

    A JSON Lines file of no bytes has no piece: a store that took no order.
    """
    found = []
    for file in files:
        if kind_of(file.name) == "csv" and not file.pieces:
            csv_header(file.name, b"", columns)
        start = before = 0
        for piece in file.pieces:
            found.append(Piece(f"{folder}/{file.name}", file.name, start, piece.end, before, piece.lines, piece.sha256))
            start, before = piece.end, before + piece.lines
    return found


def share_out(pieces: Sequence[Piece], size: int, slots: int) -> list[list[Piece]]:
    """Pieces in order, in tasks of at most about `BLOCKS_A_TASK` blocks of `size` bytes of text, even, a multiple of `slots`.

    Small files share a task, a large file has several. A small day is one task: it is done before a second one has begun.
    """
    total = sum(piece.weight for piece in pieces)
    if total <= size // 4:
        return [list(pieces)] if pieces else []
    count = -(-total // (BLOCKS_A_TASK * size * slots)) * slots
    tasks: list[list[Piece]] = [[] for _ in range(count)]
    before = 0
    for piece in pieces:
        tasks[min((before + piece.weight // 2) * count // total, count - 1)].append(piece)
        before += piece.weight
    return [task for task in tasks if task]


def read_ahead(
    hdfs: Hdfs, pieces: Sequence[Piece], columns: Sequence[str], size: int, line_bytes: int, verify: bool = True
) -> Iterator[list[Block]]:
    """The blocks of a task's pieces in order, about `size` bytes at a time; the next ones are read while these are used."""

    def whole(piece: Piece) -> list[Block]:
        return list(read(hdfs, piece, columns, size, line_bytes, verify))

    def batches() -> Iterator[list[Block]]:
        with ThreadPoolExecutor(_READERS) as readers:
            for some in _together(pieces, size):
                if len(some) == 1:  # perhaps larger than memory
                    yield from ([block] for block in read(hdfs, some[0], columns, size, line_bytes, verify))
                else:
                    yield list(itertools.chain.from_iterable(readers.map(whole, some)))

    source = batches()
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(next, source, None)
        while (found := coming.result()) is not None:
            coming = ahead.submit(next, source, None)
            yield found


def _together(pieces: Sequence[Piece], size: int) -> Iterator[list[Piece]]:
    """Small plain pieces together, up to about `size` bytes; a .gz alone, for nobody knows how large it is."""
    some: list[Piece] = []
    for piece in pieces:
        alone = piece.file.endswith(".gz")
        if some and (alone or sum(p.weight for p in some) + piece.weight > size * 5 // 4):
            yield some
            some = []
        some.append(piece)
        if alone:
            yield some
            some = []
    if some:
        yield some


def read(hdfs: Hdfs, piece: Piece, columns: Sequence[str], size: int, line_bytes: int, verify: bool = True) -> Iterator[Block]:
    """The blocks of a piece. A mismatch with the manifest is BadData, raised at the latest when the last block is out.

    Without `verify` the checksum is left to another reading of the same piece.
    """
    source = _Verified(hdfs.open(piece.path), piece, verify)
    text: Readable = source
    if piece.file.endswith(".gz"):
        text = gzip.GzipFile(fileobj=io.BufferedReader(source, _READ_BYTES))
    try:
        end = yield from blocks(piece.file, text, piece.before, _header(hdfs, piece), columns, size, line_bytes)
        source.drain()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _unlike(piece, f"is not whole gzip: {error}") from None
    if end - piece.before != piece.lines:
        raise _unlike(piece, f"has {end - piece.before} lines where its manifest says {piece.lines}")


def read_whole(hdfs: Hdfs, piece: Piece) -> bytes:
    """The bytes of a piece at once, verified; for files that are small."""
    return _Verified(hdfs.open(piece.path), piece).read()


def _header(hdfs: Hdfs, piece: Piece) -> tuple[str, ...]:
    """The CSV header, for a piece that does not begin its file."""
    if piece.start == 0 or kind_of(piece.file) != "csv":
        return ()
    beginning: bytes = hdfs.read_range(piece.path, 0, min(_HEADER_BYTES, piece.start))
    return csv_header(piece.file, beginning.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0], ())


class _Verified(io.RawIOBase):
    """The bytes of a piece as they lie in HDFS, hashed as they are read."""

    def __init__(self, file: Any, piece: Piece, verify: bool = True) -> None:
        self._file, self._piece, self._digest = file, piece, hashlib.sha256() if verify else None
        self._left = piece.end - piece.start
        if piece.start:
            file.seek(piece.start)

    def readable(self) -> bool:
        return True

    def read(self, n: int = -1, /) -> bytes:
        """Up to `n` bytes; b"" at the end of the piece, which is where the checksum is compared."""
        wanted = self._left if n < 0 else min(n, self._left)
        data = bytes(self._file.read(wanted)) if wanted else b""
        if wanted and not data:
            raise _unlike(self._piece, f"ends {self._left} bytes too early")
        self._left -= len(data)
        if self._digest:
            self._digest.update(data)
            if not self._left and self._digest.hexdigest() != self._piece.sha256:
                raise _unlike(self._piece, "has another checksum than its manifest says")
        return data

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def drain(self) -> None:
        """Reads what is left, so that all of it is verified."""
        while self.read(_READ_BYTES):
            pass


def _unlike(piece: Piece, what: str) -> BadData:
    return BadData(
        f"{piece.file} {what}",
        where=f"{piece.path}, bytes {piece.start} to {piece.end}",
        next="have the file sent again, then ./submit.sh ingest DATE --replace",
    )
