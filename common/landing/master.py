"""The snapshot of a business date: master data, all tables in one transaction, and the settings that decide.

It is kept for every replay: what the date is planned from is what held that night, whatever has changed since.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import IO, Any, cast

import psycopg2

from common.clients.hdfs import Hdfs
from common.clients.postgres import Postgres
from common.errors import BadData, NoInput
from common.landing.describe import RawFile, blocks_of
from common.landing.manifest import MANIFEST, Manifest, piece_bytes, raw_folder, read_manifest
from common.landing.upload import upload
from common.settings import DECIDING, Settings

SETTINGS = "settings.json"  # of the snapshot
_SPOOL = 16 << 20  # bytes of a table held in memory

# table: primary key, by which its rows are sorted (byte order, so that no server's locale shows); whatever another table
# refers to comes before it
TABLES = {
    "suppliers": ("supplier_id",),
    "products": ("sku",),
    "replenishment_rules": ("sku",),
    "product_suppliers": ("sku", "supplier_id", "valid_from"),
    "stores": ("store_id",),
    "warehouses": ("warehouse_id",),
    "calendar_days": ("party_kind", "party_id", "day"),
}
_DATES = ("valid_from", "day")  # keys that are no texts


def snapshot_master(
    hdfs: Hdfs, postgres: Postgres, day: date, settings: Settings, *, refresh: bool, say: Callable[[str], None]
) -> tuple[Manifest, bool]:
    """The snapshot of the date, made when there is none or `refresh` asks for today's; and whether it was made now.

    The folder is written aside and renamed, so it is there whole or not at all. The old one is kept in /raw/.replaced.
    """
    folder = raw_folder(settings, "master", day)
    old = None
    try:
        old = read_manifest(hdfs, "master", day, settings)
    except NoInput:
        pass
    except Exception:
        if not refresh:
            raise
    if old and not refresh:
        return old, False
    aside = f"{settings['hdfs.raw']}/.landing/master/{day}.{secrets.token_hex(4)}"
    try:
        files = [*_copy_tables(hdfs, postgres, aside, piece_bytes(settings)), _write_settings(hdfs, aside, settings)]
        manifest = Manifest("master", day, tuple(sorted(files, key=lambda file: file.name)))
        if old == manifest:
            say("  today's master data and settings are what the snapshot holds already")
            return manifest, False
        hdfs.write(f"{aside}/{MANIFEST}", manifest.to_bytes())
        if hdfs.exists(folder):
            kept = f"{settings['hdfs.raw']}/.replaced/master/{day}.{old.fingerprint[:8] if old else secrets.token_hex(4)}"
            hdfs.delete(kept)
            hdfs.mkdirs(kept.rpartition("/")[0])
            hdfs.rename(folder, kept)
            say(f"  today's master data and settings replace the snapshot of {day}; the old one is kept in {kept}")
        hdfs.mkdirs(folder.rpartition("/")[0])
        hdfs.rename(aside, folder)
    finally:
        hdfs.delete(aside)
    return manifest, True


def settings_of_night(hdfs: Hdfs, day: date, settings: Settings) -> Settings:
    """Today's settings with those that the date's snapshot keeps; those asked for now come before these."""
    return settings.of_night(kept_settings(hdfs, day, settings))


def kept_settings(hdfs: Hdfs, day: date, settings: Settings) -> dict[str, Any]:
    """The settings that the date's snapshot keeps. BadData when they are damaged.

    None without a snapshot, or where it is of before it kept any. Another fault of the snapshot is told by the stage that
    reads it.
    """
    listed = None
    with contextlib.suppress(NoInput, BadData):
        listed = read_manifest(hdfs, "master", day, settings).file(SETTINGS)
    if listed is None:
        return {}
    path = f"{raw_folder(settings, 'master', day)}/{SETTINGS}"
    data = hdfs.read(path)
    if hashlib.sha256(data).hexdigest() != listed.sha256:
        what = f"{SETTINGS} has another checksum than its manifest says"
        raise BadData(what, where=path, next=f"./submit.sh snapshot_master {day} --refresh-master")
    return {key: value for key, value in json.loads(data).items() if key.startswith(DECIDING)}


def _write_settings(hdfs: Hdfs, folder: str, settings: Settings) -> RawFile:
    text = json.dumps(settings.under(*DECIDING), indent=1, sort_keys=True) + "\n"
    return upload(hdfs, f"{folder}/{SETTINGS}", SETTINGS, lambda: [text.encode()], piece_bytes(settings)).file


def _copy_tables(hdfs: Hdfs, postgres: Postgres, folder: str, piece: int) -> list[RawFile]:
    """Every table as CSV (header; NULL is nothing, an empty text is ""), from one consistent state of the database."""
    with ThreadPoolExecutor(len(TABLES)) as pool:
        with postgres.transaction(isolation_level="REPEATABLE READ", readonly=True) as cursor:
            cursor.connection.set_client_encoding("UTF8")
            uploads = [pool.submit(_upload, hdfs, folder, table, _copy(cursor, table), piece) for table in TABLES]
        return [done.result() for done in uploads]


def _copy(cursor: psycopg2.extensions.cursor, table: str) -> IO[bytes]:
    """The rows of one table, on this machine's disk once they are many."""
    order = ", ".join(f'{key} collate "C"' if key not in _DATES else key for key in TABLES[table])
    spool = tempfile.SpooledTemporaryFile(_SPOOL)  # noqa: SIM115 - whoever uploads it closes it
    cursor.copy_expert(
        f"copy (select * from procurement.{table} order by {order}) to stdout (format csv, header true)", spool
    )
    spool.seek(0)
    return cast(IO[bytes], spool)


def _upload(hdfs: Hdfs, folder: str, table: str, rows: IO[bytes], piece: int) -> RawFile:
    with rows:
        name = f"{table}.csv"
        return upload(hdfs, f"{folder}/{name}", name, lambda: blocks_of(rows), piece).file
