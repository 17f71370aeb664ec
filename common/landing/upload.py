"""Puts one file into HDFS, described on the way, read back and compared; the caller renames it into its place."""

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
    """A file that lies whole in HDFS."""

    file: RawFile
    path: str


def temporary(folder: str, name: str) -> str:
    """`folder/.name.<random>._COPYING_`: a name that nobody reads."""
    return f"{folder}/.{name}.{secrets.token_hex(4)}{COPYING}"


def upload(hdfs: Hdfs, path: str, name: str, blocks: Callable[[], Iterable[bytes]], piece_bytes: int) -> Uploaded:
    """Writes the blocks of the file `name` to `path`, describing them on the way, and reads them back.

    `blocks` gives them from the first one on, again for each attempt.
    CannotWrite when what was read back is not what was written; nothing is left behind by a failure.
    """
    describer = Describer(name, piece_bytes)

    def described() -> Iterable[bytes]:
        nonlocal describer
        describer = Describer(name, piece_bytes)
        for block in blocks():
            describer.update(block)
            yield block

    try:
        hdfs.write(path, described)
        file = describer.finish()
        if (found := sha256_of(hdfs, path)) != file.sha256:
            raise CannotWrite(f"{name} reads back as {found[:12]}..., not as {file.sha256[:12]}...", where=path)
    except BaseException:
        hdfs.delete(path)
        raise
    return Uploaded(file, path)


def sha256_of(hdfs: Hdfs, path: str) -> str:
    """SHA-256 of a file in HDFS, read to its end."""
    digest = hashlib.sha256()
    for block in blocks_of(hdfs.open(path)):
        digest.update(block)
    return digest.hexdigest()
