"""The whole night of a business date, `all`: every stage in order, in one Spark application.

    spark-submit jobs/night.py 2017-12-23

Reads the inbox and the master data, writes everything up to the supplier orders; starts at the first stage whose
inputs changed or that failed.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, from anywhere: the project's folder takes the place of this one
    sys.path[: not sys.flags.safe_path] = [str(Path(__file__).resolve().parents[1])]

from common.cli import leave, main

if __name__ == "__main__":
    leave(main("all"))
