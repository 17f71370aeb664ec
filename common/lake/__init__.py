"""The local lake: PostgreSQL, HDFS, Hive metastore and Trino as plain processes on loopback. Not in what a cluster gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # this package's set-up part runs before anything is installed
    from common.settings import Settings


def ensure_up(settings: Settings) -> None:
    """Starts the local lake if the environment is `local` and something of it does not run. Milliseconds when it is up."""
    if settings.environment != "local":
        return
    from common.lake.local import LocalLake
    from common.lake.places import say

    lake = LocalLake(settings.lake_dir, settings["trino.user"])
    if not lake.is_up():
        lake.up(say)
