"""What a stage is, and the order of the night.

A stage reads pinned inputs, builds tables in private directories and leaves publication to the engine
(common/publish/engine.py). The file `jobs/<name>.py` of each has its `STAGE`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from common.publish.run import Run

# the way of the data; `all` runs them in this order
NIGHT = (
    "ingest", "snapshot_master", "stage_master", "stage_orders", "stage_stock", "stage_receipts",
    "net_demand", "purchase_orders", "exceptions", "export_orders",
)  # fmt: skip

# the kinds of raw files that stores and warehouses send, each in a folder of its own
SENT = ("orders", "stock", "receipts")


@dataclass(frozen=True)
class Input:
    """What a stage read, pinned: a raw folder or a published partition.

    name         such as `raw/orders/2017-12-23` or `staging.products/2017-12-23`
    location     where it lay when it was pinned
    fingerprint  equal fingerprints mean equal content
    """

    name: str
    location: str
    fingerprint: str


@dataclass
class Built:
    """What a stage made.

    tables  directory in HDFS of each table (`schema.table`), not yet published
    rows    counts by outcome; what is read must equal what came of it
    notes   anything else worth keeping in the ledger, as JSON
    publish for what is no table: makes it visible; called after the inputs were checked again, with what raises where the
            run has lost its lock: to be asked right before each step that others see
    """

    tables: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    publish: Callable[[Callable[[], None]], None] | None = None


@dataclass(frozen=True)
class Stage:
    """One stage.

    reads       resolves and pins the inputs; raises NoInput with the command that makes a missing one
    build       makes the tables in private directories
    writes      names of the tables that it publishes
    settings    dotted prefixes of the settings that change its result
    options     names of command-line options that change its result
    uses_spark  whether it needs the Spark session; a night starts it aside before the first such stage
    beside      the stage before it in the night, of which it needs nothing: it is built while that one is
    group       stages of one group that run together are published together, after the audits of all
    may_write   names of tables that it publishes only where there is something to say
    is_current  whether what it made for a fingerprint still stands; without it: its tables are published and came from that
    completes   for a stage without tables: whether a run that ended while publishing, with these notes, had made its
                result visible; then what was missing of it has been completed
    sweep       removes what runs left that never published; is given the notes of the succeeded ones
    """

    name: str
    reads: Callable[[Run], list[Input]]
    build: Callable[[Run, list[Input]], Built]
    writes: tuple[str, ...] = ()
    may_write: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    uses_spark: bool = False
    beside: str = ""
    group: str = ""
    is_current: Callable[[Run, str], bool] | None = None
    completes: Callable[[Run, dict[str, Any]], bool] | None = None
    sweep: Callable[[Run, list[dict[str, Any]]], list[str]] | None = None


def stage(name: str) -> Stage:
    """The stage of `jobs/<name>.py`."""
    found: Stage = import_module(f"jobs.{name}").STAGE
    return found


def maker_of(table: str) -> str:
    """The name of the stage that publishes a table, for messages."""
    return next((name for name in NIGHT if table in (*stage(name).writes, *stage(name).may_write)), "all")
