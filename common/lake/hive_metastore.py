"""The Hive metastore: which tables and partitions there are, and where their files lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from common.errors import Unavailable
from common.lake import artifacts
from common.lake.hdfs_daemons import _QUICK
from common.lake.postgresql import Postgresql
from common.lake.service import Service, base_environment, jvm

_SCHEMA = "scripts/metastore/upgrade/postgres/hive-schema-3.1.0.postgres.sql"
DATABASES = {
    "staging": "Order lines, stock and master data, as read from the raw files of each business date",
    "planning": "Net demand, order decisions, purchase order lines and exceptions of each business date",
    "scratch": "Tables of running nights; nothing here lasts",
    "audit": "Rejected rows and released orders: append only, in Delta Lake",
}


class HiveMetastore(Service):
    """Version 3.1.3, the newest that Spark's built-in client and Trino both speak with."""

    name = "metastore"
    needs = ("postgresql",)
    needs_after = ("namenode",)  # a database's folder is made in HDFS

    def prepare(self) -> None:
        """The schema's tables, all in one transaction: there wholly or not at all."""
        database = Postgresql(self.site)
        with database.connect("metastore", "metastore") as cursor:
            cursor.execute("select to_regclass('public.\"VERSION\"') is not null")
            if cursor.fetchone() == (True,):
                return
            script = (artifacts.archive("hive-standalone-metastore") / _SCHEMA).read_text(encoding="utf-8")
            cursor.execute(f"begin; {script}; commit")

    def environment(self) -> dict[str, str]:
        unpacked = artifacts.archive("hive-standalone-metastore")
        folders = [self.site.home / "conf" / "metastore", self.site.home / "conf" / "hadoop"]
        own = sorted((unpacked / "lib").glob("*.jar"))
        classes = [*folders, *own, *artifacts.jars("metastore"), *artifacts.jars("hadoop")]
        return base_environment() | {"METASTORE_HOME": str(unpacked), "CLASSPATH": ":".join(map(str, classes))}

    def command(self) -> list[str]:
        log = f"-Dlog4j.configurationFile={(self.site.home / 'conf/metastore/metastore-log4j2.properties').as_uri()}"
        options = jvm("384m", *_QUICK, f"-Djava.io.tmpdir={self.site.home / 'tmp'}", log)
        return [*options, "org.apache.hadoop.hive.metastore.HiveMetaStore", "-p", str(self.site.ports[self.name])]

    def not_ready(self) -> str | None:
        if not self.is_listening():
            return "does not listen yet"
        try:
            with self._client() as client:
                client.get_all_databases()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None

    def after_start(self) -> None:
        """The databases, which are the schemas of Trino's catalogs."""
        from pymetastore.hive_metastore.ttypes import AlreadyExistsException, Database

        with self._client() as client:
            for name in sorted(set(DATABASES) - set(client.get_all_databases())):
                # Tables name their own places; the default ones are never used.
                place = f"{self.site.addresses()['HDFS_URL']}/warehouse/_default/{name}"
                try:
                    client.create_database(Database(name=name, description=DATABASES[name], locationUri=place))
                except AlreadyExistsException:
                    pass
                except Exception as error:
                    raise Unavailable(f"the metastore did not make the schema {name}: {error}") from None

    @contextmanager
    def _client(self) -> Iterator[Any]:
        from pymetastore.hive_metastore import ThriftHiveMetastore
        from thrift.protocol import TBinaryProtocol
        from thrift.transport import TSocket, TTransport

        wire = TSocket.TSocket(self.site.hosts[self.name], self.site.ports[self.name])
        wire.setTimeout(20_000)
        transport = TTransport.TBufferedTransport(wire)
        transport.open()
        try:
            yield ThriftHiveMetastore.Client(TBinaryProtocol.TBinaryProtocol(transport))
        finally:
            transport.close()
