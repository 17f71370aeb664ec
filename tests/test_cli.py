"""The command line: each command's room is where cli.py says, and a command imports no other."""

import subprocess
import sys

import pytest

from common.cli import ROOMS, STAGED, parser
from common.settings import ROOT


def _choices(typed):
    return set(next(a for a in parser(typed)._actions if a.dest == "command").choices)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_the_commands_that_the_table_gives_it(room):
    for typed in ROOMS[room]:
        assert _choices(typed) == set(STAGED) | set(ROOMS[room])


def test_what_is_not_a_command_is_told_all_of_them():
    everything = set(STAGED) | {name for names in ROOMS.values() for name in names}
    assert _choices(None) == _choices("no_such") == everything


@pytest.mark.parametrize(("typed", "room"), [("all", None), ("status", "common.operate"), ("generate", "common.inbox.commands")])
def test_a_command_imports_its_own_room_alone(typed, room):
    said = f"import sys, common.cli\ncommon.cli.parser({typed!r})\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & set(ROOMS) == ({room} if room else set())
    assert not {"pyspark", "pyarrow", "duckdb", "psycopg2"} & set(done.stdout.split())
