"""The day that is staged: made once with `generate`, landed in HDFS, kept for the next benchmark of the same size."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from common.clients.hdfs import Hdfs
from common.inbox.generate import Generator, Plan, sku_name, store_name
from common.landing.ingest import Landing
from common.landing.manifest import find_manifest, raw_folder
from common.settings import Settings, load_settings
from common.staging.attempts import parquet

DAY = date(2026, 10, 12)
SKUS, LINES_AN_ORDER, DIRTY_PERCENT = 50_000, 5, 0.1
ROOT = "/benchmark"


@dataclass(frozen=True)
class Day:
    """A landed day: folder in HDFS, order lines, bytes and files of it."""

    folder: str
    lines: int
    size: int
    files: int

    def arguments(self) -> list[str]:
        return [self.folder]


def settings_at(folder: str, overrides: list[str] | None = None) -> Settings:
    """The settings with raw files and tables under the benchmark's own folder."""
    return load_settings([*(overrides or []), f"hdfs.raw={folder}/raw", f"hdfs.warehouse={folder}/warehouse"])


def make(settings: Settings, lines: int, stores: int) -> Day:
    """About `lines` order lines in HDFS, a file a store, 0.1 % of the orders dirty, with master data; kept when there."""
    folder = f"{ROOT}/{lines}-{stores}"
    hdfs = Hdfs(settings.service("HDFS_URL"))
    inbox = settings.lake_dir / "benchmark" / "inbox"
    of = load_settings([f"hdfs.raw={folder}/raw", f"hdfs.warehouse={folder}/warehouse", f"paths.inbox={inbox}"])
    raw = raw_folder(of, "orders", DAY)
    if not hdfs.exists(f"{raw}/_manifest.json"):
        print(f"making about {lines:,} order lines in {raw}", file=sys.stderr, flush=True)
        plan = Plan(DAY, stores, lines // LINES_AN_ORDER, SKUS, 1, DIRTY_PERCENT, 1, "json")
        sent = Generator(of, plan).send(replace=True)
        hdfs.write(f"{folder}/lines", str(sent["orders"]["read"]).encode(), overwrite=True)
        Landing(hdfs, "orders", DAY, of, lambda text: None).ingest(replace_changed=True)
        shutil.rmtree(inbox)
        for name, values in (("sku", map(sku_name, range(SKUS))), ("store_id", map(store_name, range(stores)))):
            table = pa.table({name: pa.array(sorted(values))})
            hdfs.write(f"{folder}/master/{name}/0.parquet", parquet(table), overwrite=True)
    manifest = find_manifest(hdfs, raw)
    assert manifest is not None, raw
    return Day(folder, int(hdfs.read(f"{folder}/lines")), manifest.size, len(manifest.files))
