"""What a manifest says of one raw file, found in one pass over its bytes while they stream by."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from common.errors import BadData

BLOCK = 1 << 20


@dataclass(frozen=True)
class Piece:
    """A part of a file that ends with a newline or with the file: what one task reads.

    end     offset of the first byte after it
    lines   lines in it; a last line without a newline counts
    sha256  of its bytes (of the compressed ones in a .gz, which is one piece)
    """

    end: int
    lines: int
    sha256: str


@dataclass(frozen=True)
class RawFile:
    """One raw file: bytes, lines (of the decompressed text), checksum, pieces."""

    name: str
    size: int
    lines: int
    sha256: str
    pieces: tuple[Piece, ...]

    @property
    def is_gzip(self) -> bool:
        return self.name.endswith(".gz")


class Describer:
    """Takes the blocks of one file in order and says what it is. Memory: nothing beyond the block."""

    def __init__(self, name: str, piece_bytes: int) -> None:
        """A piece of a plain file ends at the first newline from `piece_bytes` on."""
        self.name, self._piece_bytes = name, piece_bytes
        self._file, self._piece = hashlib.sha256(), hashlib.sha256()
        self._size = self._start = self._lines = 0
        self._open_line = False
        self._pieces: list[Piece] = []
        self._gunzip = _LineCounter(name) if name.endswith(".gz") else None

    def update(self, block: bytes) -> None:
        """The next bytes of the file; BadData when a .gz is not gzip."""
        self._file.update(block)
        if self._gunzip:
            self._size += len(block)
            self._gunzip.update(block)
            return
        view = memoryview(block)
        at = 0
        while at < len(block):
            wanted = max(0, self._piece_bytes - 1 - (self._size - self._start))
            newline = block.find(b"\n", at + wanted) if at + wanted < len(block) else -1
            stop = newline + 1 if newline >= 0 else len(block)
            self._piece.update(view[at:stop])
            self._lines += block.count(b"\n", at, stop)
            self._size += stop - at
            at = stop
            if newline >= 0:
                self._cut(self._lines)
        self._open_line = not block.endswith(b"\n") if block else self._open_line

    def finish(self) -> RawFile:
        """The description; BadData when a .gz ends too early."""
        sha256 = self._file.hexdigest()
        if self._gunzip:
            lines = self._gunzip.finish()
            return RawFile(self.name, self._size, lines, sha256, (Piece(self._size, lines, sha256),))
        if self._size > self._start:
            self._cut(self._lines + self._open_line)
        total = sum(piece.lines for piece in self._pieces)
        return RawFile(self.name, self._size, total, sha256, tuple(self._pieces))

    def _cut(self, lines: int) -> None:
        self._pieces.append(Piece(self._size, lines, self._piece.hexdigest()))
        self._piece, self._start, self._lines = hashlib.sha256(), self._size, 0


class _LineCounter:
    """Counts the lines inside gzip bytes, of one member or several."""

    def __init__(self, name: str) -> None:
        self._name, self._lines, self._last = name, 0, b"\n"
        self._member = zlib.decompressobj(wbits=31)

    def update(self, block: bytes) -> None:
        while block:
            if self._member.eof:
                block = block.lstrip(b"\0")  # padding after a member, as gzip itself allows
                if not block:
                    return
                self._member = zlib.decompressobj(wbits=31)
            try:
                text = self._member.decompress(block, 4 * BLOCK)
            except zlib.error as error:
                raise BadData(f"{self._name} is not whole gzip: {error}", where=self._name) from None
            self._lines += text.count(b"\n")
            self._last = text[-1:] or self._last
            block = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def finish(self) -> int:
        if not self._member.eof:
            raise BadData(f"{self._name} is cut off: its gzip data does not end", where=self._name)
        return self._lines + (self._last != b"\n")


def blocks_of(file: Any) -> Iterator[bytes]:
    """The bytes of an open file, block by block, from its beginning."""
    file.seek(0)
    while block := file.read(BLOCK):
        yield bytes(block)


def describe(name: str, file: Any, piece_bytes: int) -> RawFile:
    """Reads an open file to its end and describes it."""
    describer = Describer(name, piece_bytes)
    for block in blocks_of(file):
        describer.update(block)
    return describer.finish()
