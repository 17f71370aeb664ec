"""The output directory: each run writes a directory of its own, and one renamed link makes it the date's.

    <output>/supplier_orders/.runs/<D>/<run_id>/    order files, exceptions.csv, exceptions.json, _manifest.json, report.html
    <output>/supplier_orders/<D>                    symbolic link to the directory that counts

Everything is on the disk before the link is renamed over the old one, in one step: a reader, and a run killed at any
instant, sees the old files or the new ones. On a file system without symbolic links the pointer file `<D>.pointer`
takes the link's place: one line, the path of the directory below `supplier_orders`, replaced in one step just so.

The report is published with the files and is none of them: it tells how long the stages took, so no two are equal. The
manifest does not list it, no comparison of two exports sees it, and it may be made again.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from common.errors import BadData, CannotWrite
from common.publish.order_files import sha256
from common.settings import Settings

MANIFEST = "_manifest.json"
REPORT = "report.html"
# what a manifest must have, and each entry of its lists
_HEAD = ("run_id", "totals")
_LISTS = {
    "orders": ("file", "order_number", "supplier_id", "revision"),
    "cancelled": ("order_number", "supplier_id", "cancelled_by_revision"),
    "files": ("name", "size", "sha256"),
}
# many small files are synced side by side: the file system writes its journal once for several of them
_WRITERS = 8
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


def orders_root(settings: Settings) -> Path:
    """`<output>/supplier_orders`"""
    return settings.path("paths.output") / "supplier_orders"


def published(root: Path, day: date) -> Path | None:
    """The directory that counts for a date, or None before the first export."""
    link = root / day.isoformat()
    try:
        target = os.readlink(link)
    except FileNotFoundError:
        pointer = _pointer(root, day)
        target = pointer.read_text(encoding="utf-8").strip() if pointer.exists() else ""
    except OSError:
        raise CannotWrite(
            "something that is not the link of an export stands in its place", where=str(link), next=f"move {link} away"
        ) from None
    directory = root / target
    return directory if target and directory.is_dir() else None


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of a run's directory; BadData when it can't be read or lacks what a manifest says."""
    with readable_manifest(directory) as file:
        tree: dict[str, Any] = json.load(file)
        entries = [(entry, names) for part, names in _LISTS.items() for entry in tree[part]]
        if missing := [name for entry, names in [(tree, _HEAD), *entries] for name in names if name not in entry]:
            raise KeyError(missing[0])
        return tree


@contextmanager
def readable_manifest(directory: Path) -> Iterator[TextIO]:
    """The manifest of a run's directory, open; BadData when what is done with it meets a damaged one."""
    path = directory / MANIFEST
    try:
        with open(path, encoding="utf-8") as file:
            yield file
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        day = directory.parent.name
        raise BadData(
            f"the manifest of an export can't be read: {type(error).__name__}: {error}",
            where=str(path),
            next=f"restore it from a backup; without one move {directory.parents[2] / day} away and run ./submit.sh "
            f"export_orders {day}, which writes again what delta.audit.released_orders has",
        ) from None


def describe(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Name, size and SHA-256 of each file, sorted by name: the manifest's list."""
    return [{"name": name, "size": len(files[name]), "sha256": sha256(files[name])} for name in sorted(files)]


def is_intact(directory: Path) -> bool:
    """Whether a run's directory has exactly the files that its manifest lists, byte for byte, whatever its report says."""
    try:
        listed = read_manifest(directory)["files"]
        names = {entry["name"] for entry in listed}
        present = {entry.name for entry in os.scandir(directory)} - {MANIFEST, REPORT}
        return names == present and all(sha256((directory / e["name"]).read_bytes()) == e["sha256"] for e in listed)
    except (OSError, BadData):
        return False


def read_verified(directory: Path, name: str) -> bytes:
    """A file of a run's directory, checked against the manifest; BadData when it was altered or removed."""
    wanted = {entry["name"]: entry["sha256"] for entry in read_manifest(directory)["files"]}
    file = directory / name
    data = file.read_bytes() if file.exists() else b""
    if sha256(data) != wanted.get(name):
        raise BadData("an exported file is not what its manifest says", where=str(file), next=f"restore {file}")
    return data


def write_run(root: Path, day: date, run_id: int, files: Mapping[str, bytes]) -> Path:
    """Writes the files of a run into a directory of its own, safe on the disk, not yet visible; returns it.

    When that fails nothing of it is left, and CannotWrite says why.
    """
    parent = root / ".runs" / day.isoformat()
    with _writing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        directory = _fresh(parent, run_id)
    try:
        with _writing(directory):
            with ThreadPoolExecutor(_WRITERS) as pool:
                list(pool.map(lambda name: _write(directory / name, files[name]), sorted(files)))
            for folder in (directory, parent, parent.parent, root):
                _sync_folder(folder)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return directory


def replace_file(root: Path, file: Path, data: bytes) -> None:
    """Puts a file below `root` in place of the one that is there, in one step: a reader sees the old one or the new one."""
    # aside in the root: a run's directory has nothing but its files at any time
    place = ".".join(file.relative_to(root).parts).removeprefix(".runs.")
    temporary = root / f".{place}.{os.getpid()}.new"
    with _writing(file):
        try:
            _write(temporary, data)
            os.replace(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)


def point(
    root: Path, day: date, directory: Path, *, by_link: bool = True, may_publish: Callable[[], None] = lambda: None
) -> None:
    """Makes a run's directory the date's: renames a new link (or pointer file) over the old one, in one step.

    `may_publish` raises when somebody else has got the date meanwhile: then nothing has changed.
    """
    target = directory.relative_to(root).as_posix()
    temporary = root / f".{day}.{directory.name}.new"
    with _writing(root / day.isoformat()):
        with suppress(FileNotFoundError):
            temporary.unlink()
        by_link = by_link and _linked(temporary, target)
        if not by_link:
            _write(temporary, f"{target}\n".encode())
        try:
            may_publish()
            os.replace(temporary, root / day.isoformat() if by_link else _pointer(root, day))
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(root)


def has_links(root: Path, day: date) -> bool:
    """Whether a date's directory will be pointed at by a link: what the file system says to one."""
    probe = root / f".{day}.link.{os.getpid()}.new"
    with _writing(root):
        root.mkdir(parents=True, exist_ok=True)
        made = _linked(probe, ".")
        probe.unlink(missing_ok=True)
    return made


def way_home(*, by_link: bool) -> str:
    """How a published report leads to `root`: a browser takes the date's link for a folder, else it is in the run's own."""
    return ".." if by_link else "../../.."


def sweep(settings: Settings, day: date, keep: Collection[str]) -> list[str]:
    """Removes what crashed runs of a date left: directories that do not count and are not to be kept.

    keep  names of run directories that were published once, such as `7`; the one that counts always stays
    Returns the names of what was removed.
    """
    root = orders_root(settings)
    current = published(root, day)
    removed = []
    for directory in sorted((root / ".runs" / day.isoformat()).glob("*")):
        if directory != current and directory.name not in keep:
            shutil.rmtree(directory)
            removed.append(directory.name)
    for temporary in root.glob(f".{day}.*.new"):
        temporary.unlink()
        removed.append(temporary.name)
    return removed


def older(settings: Settings, before: float) -> Iterator[tuple[date, Path]]:
    """Date and run directory of what was written before a time (seconds since 1970) and does not count any more."""
    root = orders_root(settings)
    for directory in sorted((root / ".runs").glob("*/*")):
        with suppress(ValueError):  # no date's
            day = date.fromisoformat(directory.parent.name)
            if directory != published(root, day) and directory.stat().st_mtime < before:
                yield day, directory


def remove(directory: Path) -> None:
    """Removes a run's directory."""
    with _writing(directory):
        shutil.rmtree(directory)


def _linked(link: Path, target: str) -> bool:
    """Makes a symbolic link; False on a file system that knows none."""
    try:
        link.symlink_to(target, target_is_directory=True)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    return True


def _pointer(root: Path, day: date) -> Path:
    return root / f"{day}.pointer"


def _fresh(parent: Path, run_id: int) -> Path:
    # a ledger that was set up anew counts its runs from 1 again; directories of the old one may still be there
    for suffix in ("", *(f"-{n}" for n in range(2, 1000))):
        directory = parent / f"{run_id}{suffix}"
        with suppress(FileExistsError):
            directory.mkdir()
            return directory
    raise CannotWrite(f"run {run_id} has too many directories", where=str(parent))


def _write(file: Path, data: bytes) -> None:
    with open(file, "xb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise CannotWrite(
            f"can't write the export: {error.strerror or error}",
            where=str(error.filename or place),
            next="free space, then run again" if full else "make the place writable (setting paths.output), then run again",
        ) from error
