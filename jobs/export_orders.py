"""One order file a supplier, with what needs attention beside them, and the record of what was released.

    ./submit.sh export_orders 2017-12-23 [--revise]

Reads   planning.purchase_order_lines, planning.exceptions of the date, and audit.released_orders
Writes  <output>/supplier_orders/<date>/<supplier_id>.json, exceptions.csv, exceptions.json, _manifest.json,
        report.html, and <output>/supplier_orders/index.html;
        audit.released_orders (Delta)
Why     the plan leaves the lake here: what a supplier has fetched is never changed without a new revision.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main
from common.publish.export_stage import build, completes, is_current, reads, sweep
from common.stages import Stage

STAGE = Stage(
    "export_orders",
    reads,
    build,
    settings=("paths.output",),
    uses_spark=True,
    is_current=is_current,
    completes=completes,
    sweep=sweep,
)

if __name__ == "__main__":
    leave(main(STAGE))
