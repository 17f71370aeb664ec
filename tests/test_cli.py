"""The command line: each command's room is where cli.py says, and a command imports no other."""

import os
import signal
import subprocess
import sys

import pytest

from common.cli import ROOMS, STAGED, guarded, parser
from common.errors import BadData, Failure, TryAgain
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


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_output_ends_for_what_its_encoding_lacks(encoding):
    """Also what a command line with broken bytes leaves in a text, which not even UTF-8 has."""
    said = "import common.cli as c\nprint('exit', c.guarded(lambda: print('caf\\u00e9 48 \\u2192 60 \\udcff') or 0))"
    env = {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, env=env, capture_output=True, check=True)
    assert done.stdout.endswith(b"exit 0\n") and b"\\udcff" in done.stdout and done.stderr == b""


def test_what_a_terminal_would_obey_is_not_in_an_error(capsys):
    def fails():
        raise BadData("a file \x1b[2J\u202e is not whole", where="here\x07")

    assert guarded(fails) == 65
    assert capsys.readouterr().err == "error: a file ?[2J? is not whole\n  where: here?\n"


def test_sigterm_ends_a_command_whatever_that_goes_on_after():
    """A picture that can't be made, an input that is not there yet, a library: what is caught there is another thing."""

    def stubborn():
        for caught in (Exception, Failure, TryAgain):
            try:
                signal.raise_signal(signal.SIGTERM)
            except caught:
                continue
        return 0

    before = signal.getsignal(signal.SIGTERM)
    try:
        assert guarded(stubborn) == 75
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_command_ends_with_its_code_whatever_would_happen_while_the_interpreter_ends():
    said = "import atexit, os, common.cli as c\natexit.register(os.abort)\nprint('told')\nc.leave(66)"
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (66, "told\n", "")
