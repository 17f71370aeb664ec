"""One run of one business date: settings, clients, and what is published, pending or private."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from typing import Any

from common.clients.hdfs import Hdfs
from common.clients.metastore import Metastore, Partition
from common.clients.postgres import Postgres
from common.clients.trino import Trino
from common.errors import NoInput
from common.settings import ROOT, Settings
from common.stages import Input, maker_of

# code that can't change what a night decides
_NO_CODE = tuple(
    f"common/{room}/" for room in ("backtest", "benchmark", "diff", "explain", "inbox", "lake", "report", "what_if")
)


@dataclass(frozen=True)
class Pending:
    """A table of this night that is built but not yet published: where it lies and how Trino reads it meanwhile."""

    location: str
    reference: str


class Clients:
    """The services, each connected to on first use."""

    metastore_client: type[Metastore] = Metastore

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._patience: int = settings["services.retry_seconds"]
        self._is_warming = False

    @cached_property
    def hdfs(self) -> Hdfs:
        return Hdfs(self.settings.service("HDFS_URL"), retry_seconds=self._patience)

    @cached_property
    def trino(self) -> Trino:
        return Trino(self.settings.service("TRINO_URL"), self.settings["trino.user"], retry_seconds=self._patience)

    @cached_property
    def metastore(self) -> Metastore:
        uri, hdfs_url = self.settings.service("METASTORE_URI"), self.settings.service("HDFS_URL")
        return self.metastore_client(uri, hdfs_url, retry_seconds=self._patience)

    @cached_property
    def postgres(self) -> Postgres:
        return Postgres(self.settings.service("DATABASE_URL"), retry_seconds=self._patience)

    @property
    def spark(self) -> Any:
        """The Spark session, started on first use; it may be asked for from several threads."""
        from common.clients.spark import session

        return session(self.settings)

    @property
    def spark_context(self) -> Any:
        """The Spark context alone, which is there sooner."""
        from common.clients.spark import context

        return context(self.settings)

    def warm_spark(self) -> None:
        """Starts Spark aside, while stages that do not need it are at work."""
        if not self._is_warming:
            self._is_warming = True
            threading.Thread(target=self._warm, daemon=True).start()

    def _warm(self) -> None:
        from common.clients.spark import warm

        warm(self.settings)

    def stop(self) -> None:
        """Stops Spark where it was started."""
        if "pyspark" in sys.modules:
            from common.clients.spark import stop

            stop(self.settings)


class Run:
    """What a stage is given: the date, the run's number, the options, the services, and the tables it may read."""

    def __init__(self, clients: Clients, day: date, run_id: int, options: argparse.Namespace) -> None:
        self.clients, self.settings = clients, clients.settings
        self.day, self.run_id, self.options = day, run_id, options
        self.pending: dict[str, Pending] = {}
        self._directories: dict[str, int] = {}

    @property
    def hdfs(self) -> Hdfs:
        return self.clients.hdfs

    @property
    def trino(self) -> Trino:
        return self.clients.trino

    @property
    def metastore(self) -> Metastore:
        return self.clients.metastore

    @property
    def postgres(self) -> Postgres:
        return self.clients.postgres

    @property
    def spark(self) -> Any:
        return self.clients.spark

    @property
    def spark_context(self) -> Any:
        return self.clients.spark_context

    def option(self, name: str, default: Any = None) -> Any:
        """An option of the command line; the default where the command has no such option."""
        return getattr(self.options, name, default)

    def say(self, text: str) -> None:
        """Progress, to stderr."""
        if not self.option("quiet", False):
            print(text, file=sys.stderr, flush=True)

    def private_dir(self, table: str) -> str:
        """A fresh directory of this run for one table; it does not exist yet."""
        while True:
            number = self._directories[table] = self._directories.get(table, 0) + 1
            directory = f"{runs_root(self.settings, table, self.day)}/{self.run_id}-{number}"
            if not self.hdfs.exists(directory):
                return directory

    def published(self, table: str, day: date | None = None) -> Partition | None:
        """The published partition of a table, or None."""
        return self.metastore.partition(table, day or self.day)

    def has_files(self, table: str) -> bool:
        """Whether anything but an empty directory is published of a table on the run's date."""
        partition = self.published(table)
        return partition is not None and bool(self.hdfs.list(partition.location))

    def input_of(self, table: str, day: date | None = None) -> Input | None:
        """A published (or, within this night, pending) table as an input; None when it is not published."""
        day = day or self.day
        name = f"{table}/{day}"
        if day == self.day and table in self.pending:
            location = self.pending[table].location
            return Input(name, location, location)
        partition = self.published(table, day)
        return Input(name, partition.location, partition.location) if partition else None

    def need_published(self, table: str, day: date | None = None) -> Input:
        """As `input_of`, but a table that is not published is NoInput with the command that makes it."""
        found = self.input_of(table, day)
        if found is None:
            day = day or self.day
            raise NoInput(
                f"{table} of {day} is not published",
                where=f"hive.{table}",
                next=f"./submit.sh {maker_of(table)} {day}",
            )
        return found

    def need_raw(self, kind: str, day: date | None = None) -> Input:
        """The raw folder of a kind (`orders`, `stock`, `receipts`, `master`) as an input."""
        from common.landing.manifest import raw_folder, read_manifest

        day = day or self.day
        manifest = read_manifest(self.hdfs, kind, day, self.settings)
        return Input(f"raw/{kind}/{day}", raw_folder(self.settings, kind, day), manifest.fingerprint)

    def find_raw(self, kind: str, day: date | None = None) -> Input | None:
        """As `need_raw`, but None where there is no such folder: a kind that nobody has to send."""
        try:
            return self.need_raw(kind, day)
        except NoInput:
            return None

    def scratch_name(self, location: str) -> str:
        """The table of schema `scratch` over one of this run's private directories."""
        _, table, day, directory = location.rsplit("/", 3)
        return f"{table.split('.')[1]}_{day.replace('-', '')}_{directory.replace('-', '_')}"

    def await_publication(self, table: str, location: str, scratch: str) -> None:
        """From now on this night reads `table` through its scratch table, as one that has the partition's date."""
        relation = f"(select *, date '{self.day}' as business_date from hive.scratch.{scratch})"
        self.pending[table] = Pending(location, relation)

    def reference(self, table: str) -> str:
        """How Trino reads a table in this night: the pending one where there is one."""
        return self.pending[table].reference if table in self.pending else f"hive.{table}"


def inputs_at(metastore: Metastore, table: str, days: Iterable[date]) -> list[Input]:
    """What is published of a table on some dates, as inputs, oldest first; the other dates are left out."""
    published = metastore.partitions(table)
    found = [(day, published[day].location) for day in sorted({day.isoformat() for day in days} & published.keys())]
    return [Input(f"{table}/{day}", location, location) for day, location in found]


def runs_root(settings: Settings, table: str, day: date) -> str:
    """Folder of a date's private run directories of a table."""
    return f"{settings['hdfs.warehouse']}/_runs/{table}/{day}"


def run_of(location: str) -> int:
    """The number of the run that a private directory belongs to."""
    return int(location.rsplit("/", 1)[-1].partition("-")[0])


def table_root(settings: Settings, table: str) -> str:
    """The table's own location: registered, never written to."""
    return f"{settings['hdfs.warehouse']}/{table.replace('.', '/')}"


@cache
def code_version() -> str:
    """SHA-256 over the code and SQL that can change a result: the same on every clone of one commit."""
    digest = hashlib.sha256()
    for folder in ("common", "jobs", "sql", "conf"):
        for file in sorted((ROOT / folder).rglob("*")):
            name = file.relative_to(ROOT).as_posix()
            decides = file.suffix in (".py", ".sql", ".json") or file.name in ("contract.yml", "codes.yml")
            if decides and not name.startswith(_NO_CODE):
                digest.update(f"{name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def fingerprint_of(parts: Any) -> str:
    """SHA-256 of anything that JSON can say."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
