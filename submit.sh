#!/usr/bin/env bash
# The one way in: `./submit.sh <command>`; `./submit.sh --help` lists them. Finds a Python, has it make the environment
# (once), and hands over to common/cli.py. No logic here.
set -u
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)"
for python in "${PROCUREMENT_PYTHON:-}" "$root/lake/python" python3.11 python3.12 python3; do
  if [ -n "$python" ] && command -v "$python" > /dev/null; then
    "$python" -S -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2> /dev/null &&
      exec "$python" -S "$root/common/lake/bootstrap.py" "$@"
  fi
done
echo "No suitable Python was found: this needs Python 3.11 or 3.12 with venv." >&2
echo "  next:  apt-get install python3 python3-venv    (or set PROCUREMENT_PYTHON to one)" >&2
exit 78
