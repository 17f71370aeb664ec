"""Named points where a failure drill stops a run, so that it, or a service, can be stopped from outside at exactly that point.

`PROCUREMENT_BARRIER=<name>` makes the process that reaches the point write its process id to `PROCUREMENT_BARRIER_FILE`
and wait until somebody removes that file. Without it a barrier does nothing.
"""

from __future__ import annotations

import os
import time

NAMES = (
    "landed_before_manifest",   # raw files renamed into place, not yet listed
    "staging_task",             # in a Spark task, its first file half written
    "built_before_audit",       # data written, nothing audited
    "audited_before_flip",      # intent recorded in the ledger, nothing flipped
    "between_flips",            # the first of several tables flipped
    "flipped_before_ledger",    # flipped, not recorded
    "export_before_link",       # order files written and validated, not visible
    "export_after_link",        # visible, not recorded
)  # fmt: skip


def barrier(name: str) -> None:
    """Stops here when a drill asks for it."""
    if os.environ.get("PROCUREMENT_BARRIER") != name:
        return
    file = os.environ.get("PROCUREMENT_BARRIER_FILE")
    if file:
        with open(file, "w", encoding="ascii") as out:
            out.write(str(os.getpid()))
    while not file or os.path.exists(file):
        time.sleep(0.1)
