"""`./submit.sh package`: what a cluster's executors and driver need, in one folder; the setting spark.package names it.

<folder>/procurement.tar.gz   project/: this code, without the local lake; packages/: the Python packages that tasks import.
                              YARN unpacks it beside each executor, which needs a Python of the same version and nothing else
<folder>/jars/                Delta Lake's jars
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import os
import re
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common.errors import CannotWrite
from common.settings import ROOT

ARCHIVE = "procurement.tar.gz"
_CODE = ("common", "jobs", "sql", "conf")
_LEFT_OUT = ROOT / "common" / "lake"
# what a task imports, and what that needs; Spark brings pyspark itself
_PACKAGES = ("duckdb", "pyarrow", "numpy", "hdfs-native", "fsspec", "PyYAML", "trino", "psycopg2-binary", "pymetastore")


def add_commands(commands: Any) -> None:
    """Adds package."""
    parser = commands.add_parser("package", help="pack code and packages for the executors of a cluster")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where to; the setting spark.package is to name it")
    parser.set_defaults(handler=_package)


def _package(args: argparse.Namespace) -> int:
    from common.lake import artifacts

    artifacts.ensure()
    folder = args.folder.resolve()
    try:
        shutil.rmtree(folder / "jars", ignore_errors=True)
        (folder / "jars").mkdir(parents=True)
        for jar in artifacts.spark_jars():
            shutil.copy(jar, folder / "jars")
        size = _pack(folder / ARCHIVE)
    except OSError as error:
        raise CannotWrite(f"can't write the package: {error.strerror or error}", where=str(folder)) from None
    print(f"{folder / ARCHIVE}: {size / 1e6:,.0f} MB, for Python {sys.version_info[0]}.{sys.version_info[1]} on the executors")
    print(f"next: spark.package: {folder}  in conf/cluster/settings.yml")
    return 0


def _pack(target: Path) -> int:
    """Writes the archive and returns its size; a half-written one is never under its name. Same input, same bytes."""
    aside = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        with (
            aside.open("wb") as raw,
            gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w") as tar,
        ):
            for name, file in (*_project(), *_packages()):
                tar.add(file, name, recursive=False, filter=_plain)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
    return target.stat().st_size


def _project() -> Iterator[tuple[str, Path]]:
    for folder in _CODE:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts and not file.is_relative_to(_LEFT_OUT):
                yield f"project/{file.relative_to(ROOT).as_posix()}", file


def _packages() -> Iterator[tuple[str, Path]]:
    names, found = list(_PACKAGES), set()
    while names:
        distribution = importlib.metadata.distribution(names.pop())
        if distribution.name in found:
            continue
        found.add(distribution.name)
        names += [re.split(r"[ ;<>=!~\[(]", need)[0] for need in distribution.requires or () if "extra ==" not in need]
        for entry in sorted(distribution.files or (), key=str):
            file = Path(str(entry.locate()))
            if ".." not in entry.parts and "__pycache__" not in entry.parts and file.is_file():
                yield f"packages/{entry.as_posix()}", file


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member
