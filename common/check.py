"""`./submit.sh check`: is each service reachable, in which version, and does it give back what it was given?"""

from __future__ import annotations

import argparse
import json
import os
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from common.clients.hdfs import Hdfs
from common.clients.metastore import Metastore
from common.clients.postgres import Postgres
from common.clients.trino import Trino
from common.errors import Failure, Unavailable
from common.settings import Settings, load_settings

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Result:
    """What one check found; `failed` is empty when the round trip gave back what was sent."""

    service: str
    address: str
    version: str = ""
    round_trip: str = ""
    seconds: float = 0.0
    failed: str = ""
    next: str = ""


class Checks:
    """All checks of one environment. Each makes things of its own name and removes them again."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._name = f"check_{os.getpid()}_{time.time_ns() // 1_000_000}"
        self._folder = f"{settings['hdfs.warehouse']}/_checks/{self._name}"
        self._hdfs_url = settings.service("HDFS_URL").rstrip("/")
        self._trino = Trino(settings.service("TRINO_URL"), settings["trino.user"], retry_seconds=0)

    def run(self) -> list[Result]:
        """Every check, side by side; a failing one keeps no other from its answer."""
        metastore, trino = self.settings.service("METASTORE_URI"), self._trino.url
        checks: list[tuple[str, str, Callable[[], tuple[str, str]]]] = [
            ("postgresql", Postgres(self.settings.service("DATABASE_URL")).place, self.postgresql),
            ("hdfs", self._hdfs_url, self.hdfs),
            ("webhdfs", self.settings.service("WEBHDFS_URL"), self.webhdfs),
            ("metastore", metastore, self.metastore),
            ("trino", trino, self.trino),
            ("catalog hive", trino, self.catalog_hive),
            ("catalog delta", trino, self.catalog_delta),
            ("catalog postgresql", trino, self.catalog_postgresql),
        ]
        with suppress(Failure):  # a cluster's may be fresh; the check of the metastore says why it can't be
            Metastore(metastore, self._hdfs_url).ensure_schemas(self.settings["hdfs.warehouse"])
        with ThreadPoolExecutor(len(checks)) as pool:
            results = list(pool.map(lambda check: self._one(*check), checks))
        with suppress(Failure):  # the check of HDFS says why
            Hdfs(self._hdfs_url).delete(self._folder)
        return results

    def _one(self, service: str, address: str, check: Callable[[], tuple[str, str]]) -> Result:
        result = Result(service, address)
        began = time.monotonic()
        try:
            result.version, result.round_trip = check()
        except Exception as error:
            result.failed = (error.what if isinstance(error, Failure) else f"{type(error).__name__}: {error}").splitlines()[0]
            if isinstance(error, Failure) and error.where:
                result.failed += f" ({error.where})"
            result.next = self._advice(service)
        result.seconds = round(time.monotonic() - began, 2)
        return result

    def _advice(self, service: str) -> str:
        if self.settings.environment != "local":
            return f"look at {service.removeprefix('catalog ')} where it runs; its address comes from the environment"
        log = "trino" if service.startswith("catalog") else {"hdfs": "namenode", "webhdfs": "namenode"}.get(service, service)
        return f"./submit.sh lake up    (then: ./submit.sh lake logs {log})"

    def postgresql(self) -> tuple[str, str]:
        """A row through a temporary table."""
        connection = Postgres(self.settings.service("DATABASE_URL")).connect(application="check")
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("create temporary table c on commit drop as select 41 + 1 as n")
                cursor.execute("select n, current_setting('server_version') from c")
                n, version = cursor.fetchone() or (None, "")
                _same(n, 42)
                return str(version), "a row written and read"
        finally:
            connection.close()

    def hdfs(self) -> tuple[str, str]:
        """A file written, read and deleted."""
        hdfs = Hdfs(self._hdfs_url)
        path, content = f"{self._folder}/file", self._name.encode() * 1000
        hdfs.write(path, content)
        _same(hdfs.read(path), content)
        hdfs.delete(path)
        _same(hdfs.exists(path), False)
        return self._hadoop_version(), "a file written, read, deleted"

    def _hadoop_version(self) -> str:
        parts = urlsplit(self.settings.service("WEBHDFS_URL"))
        url = f"{parts.scheme}://{parts.netloc}/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo"
        with _DIRECT.open(url, timeout=10) as answer:
            beans = json.load(answer)["beans"]
        return str(beans[0].get("SoftwareVersion", "")) if beans else ""

    def webhdfs(self) -> tuple[str, str]:
        """A file of some bytes put and fetched by plain HTTP."""
        url = f"{self.settings.service('WEBHDFS_URL')}{self._folder}/web"
        _http("PUT", f"{url}?op=CREATE&overwrite=true", b"42")
        _same(_http("GET", f"{url}?op=OPEN"), b"42")
        _http("DELETE", f"{url}?op=DELETE")
        return self._hadoop_version(), "a file put, fetched, deleted"

    def metastore(self) -> tuple[str, str]:
        """A table made through Trino and seen by the metastore itself."""
        client = Metastore(self.settings.service("METASTORE_URI"), self._hdfs_url)
        version = f"API {client.version()}"
        table = f"{self._name}_m"
        self._trino.execute(f"create table hive.scratch.{table} (n bigint) with ({self._place(table, 'external_location')})")
        try:
            _same(table in client.tables("scratch"), True)
        finally:
            self._trino.execute(f"drop table hive.scratch.{table}")
        _same(table in client.tables("scratch"), False)
        return version, "a table made, seen, dropped"

    def trino(self) -> tuple[str, str]:
        """An active node, and a query that runs on it."""
        version = self._trino.one("select min(node_version) from system.runtime.nodes where state = 'active'")
        _same(self._trino.one("select sum(n) from unnest(sequence(1, 100)) as t (n) where random() >= 0"), 5050)
        return str(version), "a query run"

    def catalog_hive(self) -> tuple[str, str]:
        """A row through a Parquet table on HDFS."""
        table = f"{self._name}_h"
        place = f"format = 'PARQUET', {self._place(table, 'external_location')}"
        return "", self._row(f"hive.scratch.{table}", f"with ({place})")

    def catalog_delta(self) -> tuple[str, str]:
        """A row through a Delta table on HDFS."""
        table = f"{self._name}_d"
        return "", self._row(f"delta.audit.{table}", f"with ({self._place(table, 'location')})")

    def catalog_postgresql(self) -> tuple[str, str]:
        """A row through a table of the database."""
        return "", self._row(f"postgresql.public.{self._name}", "")

    def _place(self, table: str, name: str) -> str:
        return f"{name} = '{self._hdfs_url}{self._folder}/{table}'"

    def _row(self, table: str, properties: str) -> str:
        self._trino.execute(f"create table {table} {properties} as select bigint '42' as n")
        try:
            _same(self._trino.execute(f"select n from {table}"), [(42,)])
        finally:
            self._trino.execute(f"drop table {table}")
        return "a row written, read, dropped"


def _http(method: str, url: str, body: bytes | None = None) -> bytes:
    """One WebHDFS call; the second hop of a write, to the DataNode, is made here because urllib does not repeat a PUT."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
    user = f"&user.name={os.environ.get('HADOOP_USER_NAME', 'procurement')}"
    data = b"" if method == "PUT" else None
    try:
        with opener.open(urllib.request.Request(url + user, data, method=method), timeout=20) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        if error.code != 307:
            told = " ".join(error.read(2000).decode(errors="replace").split())
            raise Unavailable(f"WebHDFS answered {error.code}: {told[:300]}") from None
        target = error.headers["Location"]
    headers = {"Content-Type": "application/octet-stream"}
    with opener.open(urllib.request.Request(target, body, headers, method=method), timeout=20) as answer:
        return answer.read()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _same(got: object, sent: object) -> None:
    if got != sent:
        raise Unavailable(f"it gave back {got!r:.80}, not {sent!r:.80}")


def add_commands(commands: Any) -> None:
    """Adds `check`."""
    check = commands.add_parser(
        "check", help="is each service reachable, in which version, does it give back what it was given",
        description="Writes, reads and removes a file in HDFS, a table in the metastore, a row in each Trino catalog.",
    )  # fmt: skip
    check.add_argument("--json", action="store_true", help="print as JSON")
    check.set_defaults(handler=_check)


def _check(args: argparse.Namespace) -> int:
    results = Checks(load_settings()).run()
    if args.json:
        print(json.dumps([asdict(result) for result in results], indent=1))
    else:
        for r in results:
            state = "FAILED" if r.failed else "ok"
            print(f"{r.service:<19} {state:<7} {r.version:<10} {r.seconds:5.1f} s  {r.round_trip or r.failed}  [{r.address}]")
        for r in results:
            if r.failed:
                print(f"  {r.service}: next: {r.next}")
    return Unavailable.exit_code if any(r.failed for r in results) else 0
