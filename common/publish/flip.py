"""Publication: one metastore call points a date's partition at the directory of a run.

The partition carries who made it and from what, so that a mixture of runs can be seen by anybody who can read the metastore.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from common.contracts import all_contracts
from common.publish.run import Run, table_root

RUN_ID, FINGERPRINT, INPUTS = "procurement.run_id", "procurement.fingerprint", "procurement.inputs"


def ensure_tables(run: Run) -> None:
    """Every Hive table of a contract is there and has the contract's columns: an analyst's query over one that no night has
    filled yet finds no row, instead of failing."""
    hive = [c for c in all_contracts() if c.schema != "audit"]
    run.metastore.ensure_tables((c, table_root(run.settings, c.name)) for c in hive)


def point(
    run: Run,
    table: str,
    location: str,
    run_id: int,
    fingerprint: str,
    inputs: list[dict[str, str]],
    may_publish: Callable[[], None],
) -> None:
    """Publishes one table of the run's date. `may_publish` raises where the run has lost its lock."""
    pinned = {i["name"]: i["fingerprint"] for i in inputs}
    # the metastore holds 4,000 characters a parameter; a long history window is cut into its hash by the ledger's row
    text = json.dumps(pinned, sort_keys=True)
    parameters = {
        RUN_ID: str(run_id),
        FINGERPRINT: fingerprint,
        INPUTS: text if len(text) < 3900 else "see ops.stages.inputs",
    }
    run.metastore.point(table, run.day, location, parameters, may_publish)


def is_published(run: Run, table: str, fingerprint: str) -> bool:
    """Whether what is published of a table was made from exactly this fingerprint."""
    partition = run.published(table)
    return partition is not None and partition.parameters.get(FINGERPRINT) == fingerprint
