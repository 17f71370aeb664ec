"""Puts one file into a folder in HDFS: hidden temporary name, read back and compared, then renamed by the caller."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from common.clients.hdfs import Hdfs
from common.errors import CannotWrite
from common.landing.describe import Describer, RawFile, blocks_of
from common.landing.manifest import COPYING


@dataclass(frozen=True)
class Uploaded:
    """A file that lies whole in HDFS under a temporary name."""

    file: RawFile
    path: str


def upload(hdfs: Hdfs, folder: str, name: str, blocks: Iterable[bytes], piece_bytes: int) -> Uploaded:
    """Writes the blocks to `folder/.name.<random>._COPYING_`, describing them on the way, and reads them back.

    CannotWrite when what was read back is not what was written; nothing is left behind by a failure.
    """
    path = f"{folder}/.{name}.{secrets.token_hex(4)}{COPYING}"
    describer = Describer(name, piece_bytes)

    def described() -> Iterable[bytes]:
        for block in blocks:
            describer.update(block)
            yield block

    try:
        hdfs.write(path, described())
        file = describer.finish()
        if (found := sha256_of(hdfs, path)) != file.sha256:
            raise CannotWrite(f"{name} reads back as {found[:12]}..., not as {file.sha256[:12]}...", where=path)
    except BaseException:
        hdfs.delete(path)
        raise
    return Uploaded(file, path)


class Pushed:
    """A file object for code that pushes bytes, such as PostgreSQL's COPY: writes through to HDFS and describes."""

    def __init__(self, write: Callable[[bytes], object], describer: Describer) -> None:
        self._write, self._describer = write, describer

    def write(self, data: bytes) -> int:
        self._describer.update(data)
        self._write(data)
        return len(data)


def sha256_of(hdfs: Hdfs, path: str) -> str:
    """SHA-256 of a file in HDFS, read to its end."""
    digest = hashlib.sha256()
    for block in blocks_of(hdfs.open(path)):
        digest.update(block)
    return digest.hexdigest()
