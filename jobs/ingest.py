"""ingest: lands what stores and warehouses sent for a business date.

Reads   inbox/orders/D/, inbox/stock/D/, and inbox/receipts/D/ where there is one
Writes  /raw/orders/D/, /raw/stock/D/, /raw/receipts/D/ in HDFS, each with a manifest, written last
Why     everything after it reads files that are whole, verified and never change behind its back
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from common.cli import main
from common.errors import Failure
from common.landing.ingest import Landed, Landing
from common.publish.run import Run
from common.stages import Built, Input, Stage

KINDS = ("orders", "stock", "receipts")
OPTIONAL = ("receipts",)


def build(run: Run, _inputs: list[Input]) -> Built:
    """Lands all kinds side by side; what is wrong with one does not keep the others from landing, but fails the stage."""
    built, failures = Built(), []
    with ThreadPoolExecutor(len(KINDS)) as pool:
        landings = {kind: pool.submit(land, run, kind) for kind in KINDS}
    for kind, landing in landings.items():
        try:
            if landed := landing.result():
                report(run, built, kind, landed)
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
    return built


def land(run: Run, kind: str) -> Landed | None:
    """Lands one kind from the inbox, or adopts what lies in HDFS; None where nobody sent what nobody has to send."""
    landing = Landing(run.hdfs, kind, run.day, run.settings, run.say)
    if kind in OPTIONAL and landing.is_absent():
        return None
    work = landing.adopt if run.option("adopt") else landing.ingest
    return work(replace_changed=bool(run.option("replace")))


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
        run.say(f"  {kind}: {len(landed.new)} new files, {len(landed.replaced)} replaced, {landed.unchanged} as before")
    else:
        run.say(f"  {kind}: nothing to do, {landed.unchanged} files have landed")


STAGE = Stage(name="ingest", reads=lambda run: [], build=build)

if __name__ == "__main__":
    sys.exit(main(STAGE))
