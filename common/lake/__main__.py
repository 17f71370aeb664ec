"""The lake's commands alone: `python -m common.lake lake up`."""

import argparse
import sys

from common.errors import Failure
from common.lake.commands import add_commands

parser = argparse.ArgumentParser(prog="python -m common.lake")
add_commands(parser.add_subparsers(required=True))
arguments = parser.parse_args()
try:
    sys.exit(arguments.handler(arguments))
except Failure as failure:
    print(failure, file=sys.stderr)
    sys.exit(failure.exit_code)
