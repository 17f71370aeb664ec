"""The whole night of a business date, `all`: every stage in order, in one Spark application.

    spark-submit jobs/night.py 2017-12-23

Reads the inbox and the master data, writes everything up to the supplier orders; starts at the first stage whose
inputs changed or that failed.
"""

import sys

from common.cli import main

if __name__ == "__main__":
    sys.exit(main("all"))
