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


@pytest.fixture(params=["buffered", "unbuffered"])
def ends(request, tmp_path):
    """Runs an action under `guarded`, as a command is; its exit code, what both streams told, and whether it came to its end."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    if request.param == "unbuffered":
        environment["PYTHONUNBUFFERED"] = "1"
    end = tmp_path / "end"

    def run(action, **streams):
        body = f" {action}\n open({str(end)!r}, 'w')\n return 66"
        said = f"import sys, common.cli as c\ndef action():\n{body}\nc.leave(c.guarded(action))"
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, env=environment, text=True, check=False, **given)
        return done.returncode, done.stdout, done.stderr, end.exists()

    return run


@pytest.fixture
def dead():
    """The end of a pipe whose reader has gone."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


PROGRESS = "print('progress', file=sys.stderr, flush=True); print('progress', file=sys.stderr)"


def test_progress_that_nobody_reads_ends_no_command(ends, dead):
    """As with `./submit.sh all D 2>&1 | head`, and with a log on a full disk."""
    assert ends(PROGRESS, stderr=dead) == (66, "", None, True)
    assert ends(f"{PROGRESS}; print('result')", stdout=dead, stderr=dead) == (66, None, None, True)
    with open("/dev/full", "w") as full:
        assert ends(PROGRESS, stderr=full) == (66, "", None, True)


@pytest.mark.parametrize(("raised", "code"), [
    ("c.Usage('x')", 64), ("KeyboardInterrupt", 130), ("ValueError('x')", 70), ("BrokenPipeError(32, 'a service has gone')", 70),
])  # fmt: skip
def test_a_failure_that_nobody_reads_has_its_code_all_the_same(ends, dead, raised, code):
    assert ends(f"{PROGRESS}; raise {raised}", stdout=dead, stderr=dead)[0] == code
    assert ends(f"raise {raised}")[0] == code


def test_a_result_whose_reader_has_gone_has_the_commands_own_code(ends, dead):
    assert ends("print('result\\n' * 100_000)", stdout=dead) == (66, None, "", True)


def test_a_result_that_can_not_be_written_is_no_success(ends):
    with open("/dev/full", "w") as full:
        code, _, said, _ = ends("print('result')", stdout=full)
    assert (code, said.splitlines()[0]) == (73, "error: the result can't be written: No space left on device")


def test_a_stream_that_the_shell_has_closed_keeps_nothing_from_its_end():
    said = "import sys, common.cli as c\nc.leave(c.guarded(lambda: print('progress', file=sys.stderr) or 66))"
    bash = 'exec "$0" -c "$1" 2>&-'
    done = subprocess.run(["bash", "-c", bash, sys.executable, said], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (66, "")
