"""Delta tables of schema `audit`: Spark appends, Trino reads, and both know the table from its contract.

Trino creates and registers the empty table, so that it can be read before anything was ever written. Trino can't append
to Delta on HDFS (trinodb/trino#18829), so rows are appended by Spark: one append is one commit, all rows or none.
"""

from __future__ import annotations

import hashlib
import threading

import pyarrow as pa

from common.clients.trino import text_literal
from common.contracts import Contract
from common.errors import CannotWrite, Failure, Misconfigured, NoInput, TryAgain, says_no_room
from common.publish.run import Run, table_root
from common.staging.tables import arrow_type

_ONE_CREATES = threading.Lock()
# what Spark says while HDFS is away
_AWAY = (
    "ConnectException", "SafeMode", "SocketTimeout", "StandbyException", "EOFException", "There are 0 datanode(s) running",
)  # fmt: skip
# a point in time is stored as Delta's `timestamp`, which Trino spells with a zone
_TRINO = {"timestamp(6)": "timestamp(6) with time zone"}


def arrow_schema(contract: Contract) -> pa.Schema:
    """The rows of a table in Arrow: the contract's columns, then the partition's date."""
    fields = [pa.field(c.name, arrow_type(c.type), c.nullable) for c in contract.columns]
    return pa.schema([*fields, pa.field(contract.partition, pa.date32(), False)])


def ensure_delta_table(run: Run, contract: Contract) -> None:
    """Creates the empty table where there is none, and registers one whose files are there already."""
    with _ONE_CREATES:  # stages that are built side by side: Trino takes the files of two creators for one table's
        if run.metastore.location(contract.schema, contract.table) is None:
            _create_or_find(run, contract)


def _create_or_find(run: Run, contract: Contract) -> None:
    try:
        _create(run, contract)
    except Failure:
        # another date's run may have been quicker
        if run.metastore.location(contract.schema, contract.table) is None:
            raise


def _create(run: Run, contract: Contract) -> None:
    location = table_root(run.settings, contract.name)
    url = run.settings.service("HDFS_URL").rstrip("/")
    schema = f"delta.{contract.schema}"
    run.trino.execute(f"create schema if not exists {schema} with (location = '{url}{location.rsplit('/', 1)[0]}')")
    if _has_log(run, location):
        run.trino.execute(f"call delta.system.register_table('{contract.schema}', '{contract.table}', '{url}{location}')")
        return
    columns = [
        f"{c.name} {_TRINO.get(c.type, c.type)}{'' if c.nullable else ' not null'} comment {text_literal(c.comment)}"
        for c in contract.columns
    ]
    columns.append(f"{contract.partition} date not null comment 'Business date D of the rows'")
    run.trino.execute(
        f"create table if not exists {schema}.{contract.table} ({', '.join(columns)})"
        f" comment {text_literal(contract.description)}"
        f" with (location = '{url}{location}', partitioned_by = array['{contract.partition}'], checkpoint_interval = 100)"
    )


def append(run: Run, contract: Contract, rows: pa.Table, *, once: bool = False) -> None:
    """Appends rows of `arrow_schema` in one commit.

    once  the very same rows are never appended a second time, whoever tries, such as a paused run that wakes after
          another has done its work; costs a second, since Delta then reads what was appended before
    """
    if rows.num_rows == 0:
        return
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    rows = rows.cast(arrow_schema(contract))
    path = run.settings.service("HDFS_URL").rstrip("/") + table_root(run.settings, contract.name)
    for is_last in (False, False, True):
        try:
            _append(run, contract, path, rows, once)
            break
        except (Py4JError, PySparkException) as error:
            # another run has just made the table append-only: nothing of this append was committed
            if is_last or "DELTA_METADATA_CHANGED" not in str(error):
                raise _failure(error, contract, path) from error


def _append(run: Run, contract: Contract, path: str, rows: pa.Table, once: bool) -> None:
    with _ONE_CREATES:
        if not _is_append_only(run, contract):
            run.spark.sql(f"alter table delta.`{path}` set tblproperties ('delta.appendOnly' = 'true')")
    writer = run.spark.createDataFrame(rows).coalesce(1).write.format("delta").mode("append")
    if once:
        writer = writer.option("txnAppId", f"{contract.name} {_digest(rows)}").option("txnVersion", 1)
    writer.save(path)


def _failure(error: Exception, contract: Contract, path: str) -> Exception:
    """What the user can mend; anything else is a bug of ours and is raised as it is."""
    text = str(error)
    if "DELTA_METADATA_MISMATCH" in text:
        return Misconfigured(f"delta.{contract.name} has other columns than its contract", where=path)
    if says_no_room(text):
        return CannotWrite(f"no room to append to delta.{contract.name}", where=path, next="free space in HDFS, then run again")
    if any(sign in text for sign in _AWAY):
        return TryAgain(
            f"HDFS was away while Spark appended to delta.{contract.name}", where=path, next="./submit.sh check, then run again"
        )
    return error


def _is_append_only(run: Run, contract: Contract) -> bool:
    # set with the first append: the empty table has the one commit that created it
    log = f"{table_root(run.settings, contract.name)}/_delta_log"
    return sum(entry.name.endswith(".json") for entry in run.hdfs.list(log)) > 1


def _has_log(run: Run, location: str) -> bool:
    try:
        return bool(run.hdfs.list(f"{location}/_delta_log"))
    except NoInput:
        return False


def _digest(rows: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as out:
        out.write_table(rows.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()
