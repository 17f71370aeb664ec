"""The Java parts of the lake: pinned in `conf/local/artifacts.lock`, fetched once, verified, shared between clones.

One folder an artifact in the cache, put there by a rename when it is whole: a killed or failed download leaves nothing
that could be taken for an artifact. An archive is kept unpacked. What the user's own Maven repository already holds
with the right checksum is taken from there; the rest comes through Ivy, which PySpark ships.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from common.errors import CannotWrite, Unavailable
from common.lake import ivy
from common.lake.places import ROOT, cache_dir, home, locked, need_disk, say

OPTIONAL = {"yarn"}  # uses that only a test asks for
LOCK = ROOT / "conf" / "local" / "artifacts.lock"
# The plugins that the lake uses; geospatial because the postgresql plugin does not start without its types.
TRINO_PLUGINS = {"hive", "delta-lake", "postgresql", "geospatial"}


@dataclass(frozen=True)
class Artifact:
    """One file of a Maven repository; `size` in bytes; `use` says which part of the lake needs it."""

    use: str
    group: str
    name: str
    version: str
    classifier: str
    ext: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """`name-version[-classifier].ext`"""
        return f"{self.name}-{self.version}{'-' + self.classifier if self.classifier else ''}.{self.ext}"

    @property
    def is_archive(self) -> bool:
        """Whether it is kept unpacked."""
        return self.ext == "tar.gz"

    @property
    def folder(self) -> Path:
        """Its folder in the cache: there only when whole."""
        return cache_dir() / "artifacts" / f"{self.name}-{self.version}-{self.sha256[:12]}"

    @property
    def path(self) -> Path:
        """The jar, or the folder that the archive was unpacked to."""
        return self.folder if self.is_archive else self.folder / self.file_name


@cache
def lock() -> tuple[Artifact, ...]:
    """Every artifact of the lock file, in its order."""
    found = []
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            use, coordinate, size, sha256 = line.split()
            group, name, version, *classifier, ext = coordinate.split(":")
            found.append(Artifact(use, group, name, version, "".join(classifier), ext, int(size), sha256))
    return tuple(found)


def jars(use: str) -> list[Path]:
    """The jars of one use, in the lock's order."""
    return [a.path for a in lock() if a.use == use and not a.is_archive]


def archive(name: str) -> Path:
    """The unpacked archive of that artifact name."""
    return next(a.path for a in lock() if a.name == name and a.is_archive)


def spark_jars() -> list[Path]:
    """Delta Lake's jars for Spark: pass them as `spark.jars`."""
    return jars("spark")


def missing(optional: str = "") -> list[Artifact]:
    """What is not in the cache yet, of the lake's artifacts and those of one optional use."""
    return [a for a in lock() if (a.use not in OPTIONAL or a.use == optional) and not a.path.exists()]


def ensure(optional: str = "") -> None:
    """Puts every missing artifact into the cache; raises Unavailable or CannotWrite. Says what it fetches and where to."""
    if not missing(optional):
        return
    with locked(cache_dir() / "artifacts.lock", "Waiting for another set-up that is under way"):
        wanted = missing(optional)
        if not wanted:
            return
        need_disk(cache_dir(), 1 + 3e-9 * sum(a.size for a in wanted), "the lake's set-up")
        work = cache_dir() / "incomplete"
        shutil.rmtree(work, ignore_errors=True)
        try:
            work.mkdir(parents=True)
            _fetch(wanted, work)
        except OSError as error:
            raise CannotWrite(f"can't write the downloads: {error.strerror or error}", where=str(cache_dir())) from None
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _fetch(wanted: list[Artifact], work: Path) -> None:
    here = [a for a in wanted if _from_maven_repository(a, work)]
    rest = [a for a in wanted if a not in here]
    if rest:
        mb = sum(a.size for a in rest) / 1e6
        say(f"Downloading {len(rest)} Java artifacts, {mb:,.0f} MB, to {cache_dir()}")
        for artifact, file in ivy.retrieve(rest, work / "ivy"):
            _place(artifact, file, work)
    if left := [a for a in wanted if not a.path.exists()]:
        raise Unavailable(
            f"{len(left)} Java artifacts could not be had, the first is {left[0].file_name}",
            where=str(cache_dir()),
            next="check the network, then type the same command again; MAVEN_REPOSITORY=<address> names a mirror",
        )


def _from_maven_repository(artifact: Artifact, work: Path) -> bool:
    """Takes the artifact from the user's own Maven repository when the very same bytes are there."""
    where = home()
    if where is None:
        return False
    folder = where / ".m2" / "repository" / Path(*artifact.group.split(".")) / artifact.name / artifact.version
    file = folder / artifact.file_name
    try:
        if file.stat().st_size != artifact.size or _sha256(file) != artifact.sha256:
            return False
    except OSError:
        return False
    copy = work / artifact.file_name
    shutil.copyfile(file, copy)
    _place(artifact, copy, work)
    return True


def _place(artifact: Artifact, file: Path, work: Path) -> None:
    """Verifies `file` and moves it, or what it unpacks to, into the cache by one rename. Removes `file`."""
    if file.stat().st_size != artifact.size or _sha256(file) != artifact.sha256:
        file.unlink()
        raise Unavailable(
            f"{artifact.file_name} came with other bytes than pinned",
            where=str(LOCK),
            next="type the same command again; if it stays, the repository or its mirror serves a changed file",
        )
    whole = work / f"{artifact.file_name}.whole"
    whole.mkdir()
    if artifact.is_archive:
        say(f"Unpacking {artifact.file_name}")
        _unpack(file, whole)
        file.unlink()
    else:
        os.rename(file, whole / artifact.file_name)
    artifact.folder.parent.mkdir(parents=True, exist_ok=True)
    if artifact.folder.exists():  # without its jar: somebody removed that
        shutil.rmtree(artifact.folder)
    os.rename(whole, artifact.folder)


def _unpack(file: Path, target: Path) -> None:
    """Unpacks a .tar.gz without its top folder; of Trino's plugins only those of TRINO_PLUGINS stay."""
    with tarfile.open(file, "r:gz") as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(target)  # the bytes are the pinned ones
    (top,) = list(target.iterdir())
    for part in sorted(top.iterdir()):
        os.rename(part, target / part.name)
    top.rmdir()
    for plugin in (target / "plugin").glob("*"):
        if plugin.name not in TRINO_PLUGINS:
            shutil.rmtree(plugin)


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
