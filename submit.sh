#!/usr/bin/env bash
# The one way in: `./submit.sh <command>`; `./submit.sh --help` lists them. Finds a Python and hands over to
# common/lake/bootstrap.py, which makes the environment once and goes on with common/cli.py. No logic here.
set -u
root="$(cd -- "${BASH_SOURCE[0]%submit.sh}." && pwd -P)"
bootstrap="$root/common/lake/bootstrap.py"
if [ -z "${PROCUREMENT_PYTHON:-}" ] && [ -x "$root/lake/python" ]; then # the one that was found before
  exec "$root/lake/python" -I -S "$bootstrap" "$@"
fi
for python in ${PROCUREMENT_PYTHON:+"$PROCUREMENT_PYTHON"} python3.11 python3.12 python3; do
  if "$python" -I -S -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2> /dev/null; then
    exec "$python" -I -S "$bootstrap" "$@"
  fi
done
echo "error: no suitable Python was found: this needs Python 3.11 or 3.12 with the modules venv and ensurepip" >&2
echo "  next:  apt-get install python3 python3-venv    (or set PROCUREMENT_PYTHON to one)" >&2
exit 78
