"""snapshot_master: keeps the master data that a business date is planned from.

Reads   PostgreSQL, schema procurement: all its tables in one REPEATABLE READ READ ONLY transaction
Writes  /raw/master/D/<table>.csv in HDFS, settings.json (those that decide), a manifest
Why     a replay of the date must plan from what was true that night, whatever has changed since
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main
from common.landing.master import snapshot_master
from common.publish.run import Run
from common.stages import Built, Input, Stage


def build(run: Run, _inputs: list[Input]) -> Built:
    """Makes the snapshot, or keeps the one that is there."""
    refresh = bool(run.option("refresh_master"))
    manifest, made = snapshot_master(run.hdfs, run.postgres, run.day, run.settings, refresh=refresh, say=run.say)
    if not made:
        run.say(f"  nothing to do: the snapshot of {run.day} is kept for every replay")
    rows = {file.name.removesuffix(".csv"): file.lines - 1 for file in manifest.files if file.name.endswith(".csv")}
    return Built(rows=rows, notes={"fingerprint": manifest.fingerprint, "made": made})


STAGE = Stage(name="snapshot_master", reads=lambda run: [], build=build)

if __name__ == "__main__":
    leave(main(STAGE))
