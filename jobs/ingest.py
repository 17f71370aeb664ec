"""ingest: lands what stores and warehouses sent for a business date.

Reads   inbox/orders/D/, inbox/stock/D/, and inbox/receipts/D/ where there is one
Writes  /raw/orders/D/, /raw/stock/D/, /raw/receipts/D/ in HDFS, each with a manifest, written last
Why     everything after it reads files that are whole, verified and never change behind its back
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main
from common.errors import Failure, NoInput, Usage
from common.landing.ingest import Landed, Landing
from common.publish.run import Run
from common.stages import SENT, Built, Input, Stage

OPTIONAL = ("receipts",)


def build(run: Run, _inputs: list[Input]) -> Built:
    """Lands all kinds, or those that are named, side by side.

    What is wrong with one does not keep the others from landing, but fails the stage.
    """
    built, failures = Built(), []
    work = withdraw if run.option("withdraw") else adopt if run.option("adopt") else land
    if work is withdraw and len(run.option("kind") or ()) != 1:
        raise Usage("--withdraw needs to know of what kind the files are", next=f"add --kind {SENT[0]}, or another one, once")
    with ThreadPoolExecutor(len(SENT)) as pool:
        landings = {kind: pool.submit(work, run, kind) for kind in run.option("kind") or SENT}
    for kind, landing in landings.items():
        try:
            if landed := landing.result():
                report(run, built, kind, landed)
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
    if not built.rows:
        raise NoInput(f"nothing of {run.day} lies in HDFS", where=run.settings["hdfs.raw"], next=f"./submit.sh ingest {run.day}")
    return built


def land(run: Run, kind: str) -> Landed | None:
    """Lands one kind from the inbox; None where nobody sent what nobody has to send."""
    landing = Landing(run.hdfs, kind, run.day, run.settings, run.say)
    if kind in OPTIONAL and not run.option("kind") and landing.is_absent():
        return None
    return landing.ingest(replace_changed=bool(run.option("replace")))


def adopt(run: Run, kind: str) -> Landed | None:
    """Takes one kind as it lies in HDFS; None where none of it does, unless it was asked for by its name: NoInput."""
    landing = Landing(run.hdfs, kind, run.day, run.settings, run.say)
    if not run.option("kind") and not landing.is_in_hdfs():
        return None
    return landing.adopt(replace_changed=bool(run.option("replace")))


def withdraw(run: Run, kind: str) -> Landed | None:
    """Takes the named files of one kind out of the date."""
    return Landing(run.hdfs, kind, run.day, run.settings, run.say).withdraw(run.option("withdraw"))


def report(run: Run, built: Built, kind: str, landed: Landed) -> None:
    """Says and records what became of one kind."""
    manifest = landed.manifest
    built.rows |= {f"{kind}_files": len(manifest.files), f"{kind}_file_lines": manifest.lines}
    built.notes[kind] = {
        "bytes": manifest.size,
        "fingerprint": manifest.fingerprint,
        "new": len(landed.new),
        "replaced": list(landed.replaced),
        "unchanged": landed.unchanged,
    }
    if landed.new or landed.replaced:
        replaced = "withdrawn" if run.option("withdraw") else "replaced"
        run.say(f"  {kind}: {len(landed.new)} new files, {len(landed.replaced)} {replaced}, {landed.unchanged} as before")
    else:
        run.say(f"  {kind}: nothing to do, {landed.unchanged} files have landed")


STAGE = Stage(name="ingest", reads=lambda run: [], build=build)

if __name__ == "__main__":
    leave(main(STAGE))
