"""The Hive metastore over Thrift: tables from their contracts, and the one call that publishes a date.

Publication points the partition of a date at a directory: one `add_partition` or `alter_partition`. The metastore has no
compare-and-set for partitions; the date's lock in the ledger keeps a second writer away.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from urllib.parse import urlsplit

from pymetastore.hive_metastore import ThriftHiveMetastore, ttypes
from thrift.protocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TException, TMessageType
from thrift.transport import TSocket, TTransport

from common.clients.retry import Away, Retry
from common.contracts import Contract
from common.errors import Misconfigured

logging.getLogger("thrift").setLevel(logging.CRITICAL)  # what it would tell to stderr, our failures tell
T = TypeVar("T")
_TIMEOUT_MS = 20_000
# what a metastore says whose own database or HDFS is away
_BEHIND_IT = ("JDO", "PSQLException", "SQLException", "ConnectException", "SocketTimeout", "SafeMode", "StandbyException")
_REFUSALS = (
    ttypes.MetaException, ttypes.InvalidObjectException, ttypes.InvalidOperationException, ttypes.NoSuchObjectException,
)  # fmt: skip
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet."
SCHEMAS = {
    "staging": "Order lines, stock and master data, as read from the raw files of each business date",
    "planning": "Net demand, order decisions, purchase order lines and exceptions of each business date",
    "scratch": "Tables of running nights; nothing here lasts",
    "audit": "Rejected rows and released orders: append only, in Delta Lake",
}


@dataclass(frozen=True)
class Partition:
    """The published partition of a date: the directory it points to (HDFS path without host) and its parameters."""

    location: str
    parameters: dict[str, str]


class Metastore:
    """Each call opens a connection of its own: calls are few, and a dead connection is never reused.

    retry_seconds  how long a call is repeated while a metastore that served before is away. Every call may be repeated:
                   it finds what an earlier try had done.
    """

    def __init__(self, uri: str, hdfs_url: str, *, retry_seconds: int = 0) -> None:
        self.uri, self._hdfs_url, self._retry = uri, hdfs_url.rstrip("/"), Retry(retry_seconds)

    def version(self) -> str:
        """The version of the metastore's interface, which is all that it tells."""

        def ask(client: ThriftHiveMetastore.Client) -> str:
            # pymetastore left this call out of its client
            wire = client._oprot
            wire.writeMessageBegin("getVersion", TMessageType.CALL, 0)
            wire.writeFieldStop()
            wire.writeMessageEnd()
            wire.trans.flush()
            wire.readMessageBegin()
            wire.readFieldBegin()
            return wire.readString()

        return self._call("tell its version", ask)

    def ensure_schemas(self, warehouse: str) -> None:
        """Creates those of SCHEMAS that are missing. Tables name their own places: the default one is never used."""

        def ensure(client: ThriftHiveMetastore.Client) -> None:
            for name in sorted(SCHEMAS.keys() - set(client.get_all_databases())):
                with suppress(ttypes.AlreadyExistsException):
                    place = f"{self._hdfs_url}{warehouse}/_default/{name}"
                    client.create_database(ttypes.Database(name, SCHEMAS[name], place))

        self._call("create the schemas", ensure)

    def ensure_tables(self, tables: Iterable[tuple[Contract, str]]) -> None:
        """Creates the external tables of contracts, each with a location; one that is there gets what is new in its contract.

        The metastore and Trino compare columns by place, readers of files go by name. So columns that are there keep their
        place, new ones follow, and one that the contract no longer has stays for the dates that have it. The columns of all
        partitions follow the table's.
        """
        wanted = [self._table(contract, location) for contract, location in tables]

        def ensure(client: ThriftHiveMetastore.Client) -> None:
            for table in wanted:
                self._ensure(client, table)

        self._call("create the tables", ensure)

    def _ensure(self, client: ThriftHiveMetastore.Client, wanted: ttypes.Table) -> None:
        try:
            table = client.get_table(wanted.dbName, wanted.tableName)
        except ttypes.NoSuchObjectException:
            with suppress(ttypes.AlreadyExistsException):
                client.create_database(ttypes.Database(wanted.dbName, "", wanted.sd.location.rsplit("/", 1)[0]))
            with suppress(ttypes.AlreadyExistsException):
                client.create_table(wanted)
            return
        new = {column.name: column for column in wanted.sd.cols}
        columns = [new.pop(column.name, column) for column in table.sd.cols] + list(new.values())
        comment = wanted.parameters["comment"]
        if (columns, comment) != (table.sd.cols, table.parameters.get("comment")):
            table.sd.cols, table.parameters["comment"] = columns, comment
            client.alter_table_with_cascade(wanted.dbName, wanted.tableName, table, True)

    def partition(self, table: str, day: date) -> Partition | None:
        """The published partition of `schema.table` on `day`, or None."""
        schema, name = table.split(".")

        def look(client: ThriftHiveMetastore.Client) -> Partition | None:
            try:
                found = client.get_partition(schema, name, [day.isoformat()])
            except ttypes.NoSuchObjectException:
                return None
            return Partition(urlsplit(found.sd.location).path, dict(found.parameters))

        return self._call(f"look up {table} of {day}", look)

    def partitions(self, table: str) -> dict[str, Partition]:
        """All published partitions of a table by business date."""
        schema, name = table.split(".")

        def look(client: ThriftHiveMetastore.Client) -> dict[str, Partition]:
            try:
                found = client.get_partitions(schema, name, -1)
            except ttypes.NoSuchObjectException:
                return {}
            return {p.values[0]: Partition(urlsplit(p.sd.location).path, dict(p.parameters)) for p in found}

        return self._call(f"list the dates of {table}", look)

    def point(
        self,
        table: str,
        day: date,
        location: str,
        parameters: dict[str, str],
        may_publish: Callable[[], None] = lambda: None,
    ) -> None:
        """Publishes: the partition of `day` now points at `location`. After a call that timed out it is read back.

        The parameters replace the old ones, so that no statistics of the old files survive; column statistics are dropped.
        `may_publish` raises when somebody else has got the date meanwhile; it is asked before every try.
        """
        schema, name = table.split(".")

        def flip(client: ThriftHiveMetastore.Client) -> None:
            may_publish()
            descriptor = client.get_table(schema, name).sd
            descriptor.location = f"{self._hdfs_url}{location}"
            new = ttypes.Partition([day.isoformat()], schema, name, 0, 0, descriptor, dict(parameters))
            try:
                old = client.get_partition(schema, name, [day.isoformat()])
            except ttypes.NoSuchObjectException:
                try:
                    client.add_partition(new)
                except ttypes.AlreadyExistsException as error:  # an earlier try has landed after all
                    raise self._away(f"publish {table} of {day}", str(error.message)) from error
                return
            if old.sd.location != descriptor.location or not parameters.items() <= old.parameters.items():
                new.createTime = old.createTime
                client.alter_partition_with_environment_context(
                    schema, name, new, ttypes.EnvironmentContext({"DO_NOT_UPDATE_STATS": "true"})
                )
            with suppress(TException):
                client.delete_partition_column_statistics(schema, name, f"business_date={day}", "")

        self._call(f"publish {table} of {day}", flip)

    def drop_partition(self, table: str, day: date) -> None:
        """Unregisters a date; its files stay."""
        schema, name = table.split(".")

        def drop(client: ThriftHiveMetastore.Client) -> None:
            with suppress(ttypes.NoSuchObjectException):
                client.drop_partition(schema, name, [day.isoformat()], False)

        self._call(f"unregister {table} of {day}", drop)

    def tables(self, schema: str) -> list[str]:
        """The names of all tables of a schema."""
        return self._call(f"list {schema}", lambda client: list(client.get_all_tables(schema)))

    def location(self, schema: str, table: str) -> str | None:
        """The directory of a table, or None when there is none."""

        def look(client: ThriftHiveMetastore.Client) -> str | None:
            try:
                return urlsplit(client.get_table(schema, table).sd.location).path
            except ttypes.NoSuchObjectException:
                return None

        return self._call(f"look up {schema}.{table}", look)

    def create_scratch(
        self, contract: Contract, name: str, location: str, partitions: Mapping[date, str] | None = None
    ) -> None:
        """Registers a directory as `scratch.<name>`, with the columns of a contract and no partition.

        partitions  instead: the directory of each date; `location` is then that of the table, which holds no file
        """
        table = self._table(contract, location)
        table.dbName, table.tableName = "scratch", name
        if partitions is None:
            table.partitionKeys = []

        def create(client: ThriftHiveMetastore.Client) -> None:
            with suppress(ttypes.AlreadyExistsException):
                client.create_table(table)
            if partitions:
                wanted = [self._partition(table, day, place) for day, place in partitions.items()]
                client.add_partitions_req(ttypes.AddPartitionsRequest("scratch", name, wanted, True, False))

        self._call(f"register scratch.{name}", create)

    def drop_table(self, schema: str, table: str) -> None:
        """Unregisters a table; its files stay."""

        def drop(client: ThriftHiveMetastore.Client) -> None:
            with suppress(ttypes.NoSuchObjectException):
                client.drop_table(schema, table, False)

        self._call(f"unregister {schema}.{table}", drop)

    def _partition(self, table: ttypes.Table, day: date, location: str) -> ttypes.Partition:
        storage = copy.copy(table.sd)
        storage.location = f"{self._hdfs_url}{location}"
        return ttypes.Partition([day.isoformat()], table.dbName, table.tableName, 0, 0, storage, {})

    def _table(self, contract: Contract, location: str) -> ttypes.Table:
        columns = [ttypes.FieldSchema(c.name, c.hive_type, c.comment) for c in contract.columns]
        serde = ttypes.SerDeInfo(None, f"{_PARQUET}serde.ParquetHiveSerDe", {"serialization.format": "1"})
        storage = ttypes.StorageDescriptor(
            columns, f"{self._hdfs_url}{location}", f"{_PARQUET}MapredParquetInputFormat", f"{_PARQUET}MapredParquetOutputFormat",
            False, 0, serde, [], [], {},
        )  # fmt: skip
        keys = [ttypes.FieldSchema(contract.partition, "date", "Business date D of the rows")]
        parameters = {"EXTERNAL": "TRUE", "comment": contract.description}
        return ttypes.Table(
            contract.table,
            contract.schema,
            "procurement",
            0,
            0,
            0,
            storage,
            keys,
            parameters,
            tableType="EXTERNAL_TABLE",
        )

    def _call(self, verb: str, action: Callable[[ThriftHiveMetastore.Client], T]) -> T:
        return self._retry(lambda: self._once(verb, action))

    def _once(self, verb: str, action: Callable[[ThriftHiveMetastore.Client], T]) -> T:
        parts = urlsplit(self.uri)
        socket = TSocket.TSocket(parts.hostname, parts.port)
        socket.setTimeout(_TIMEOUT_MS)
        transport = TTransport.TBufferedTransport(socket)
        try:
            transport.open()
            return action(ThriftHiveMetastore.Client(TBinaryProtocol.TBinaryProtocol(transport)))
        except _REFUSALS as error:
            if any(sign in str(error.message) for sign in _BEHIND_IT):
                raise self._away(verb, str(error.message)) from error
            raise Misconfigured(f"the metastore refused to {verb}: {error.message}", where=self.uri) from error
        except (TTransport.TTransportException, TApplicationException, OSError, EOFError) as error:
            raise self._away(verb, str(error)) from error
        finally:
            transport.close()

    def _away(self, verb: str, why: str) -> Away:
        return Away(f"the metastore was asked to {verb} and is away", f"{self.uri}: {' '.join(why.split())[:300]}")
