"""The Hive metastore: which tables and partitions there are, and where their files lie."""

from __future__ import annotations

from common.clients.metastore import Metastore
from common.errors import Failure
from common.lake import artifacts
from common.lake.hdfs_daemons import QUICK
from common.lake.postgresql import Postgresql
from common.lake.service import Service, base_environment, jvm

_SCHEMA = "scripts/metastore/upgrade/postgres/hive-schema-3.1.0.postgres.sql"


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
        options = jvm("384m", *QUICK, f"-Djava.io.tmpdir={self.site.home / 'tmp'}", log)
        return [*options, "org.apache.hadoop.hive.metastore.HiveMetaStore", "-p", str(self.site.ports[self.name])]

    def not_ready(self) -> str | None:
        if not self.is_listening():
            return "does not listen yet"
        try:
            self._client().tables("default")
        except Failure as failure:
            return failure.what
        return None

    def after_start(self) -> None:
        """The schemas of Trino's catalogs."""
        self._client().ensure_schemas("/warehouse")

    def _client(self) -> Metastore:
        addresses = self.site.addresses()
        return Metastore(addresses["METASTORE_URI"], addresses["HDFS_URL"])
