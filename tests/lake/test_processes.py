"""A process is known by what it carries, not by a number that some file remembers."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.errors import NotAllowed, Unavailable
from common.lake import process as lake_process
from common.lake.process import Process
from common.settings import ROOT

SLEEP = (["sleep", "60"], {"PATH": os.environ["PATH"]})


@pytest.fixture
def process(tmp_path):
    home = tmp_path / "ein See ß"
    home.mkdir()
    made = Process(home, "sleeper")
    yield made
    made.stop(5, signal.SIGTERM)


def test_a_started_process_is_found_and_stopped(process):
    pid = process.start(*SLEEP)
    assert process.pid() == pid and not process.has_ended()
    assert process.stop(5, signal.SIGTERM)
    assert process.pid() is None and process.has_ended()
    assert not process.stop(5, signal.SIGTERM)


def test_a_pid_file_that_names_another_program_deceives_nobody(process):
    process.pid_file.parent.mkdir()
    process.pid_file.write_text(f"{os.getpid()}\n")
    assert process.pid() is None and process.has_ended()
    assert not process.stop(1, signal.SIGKILL)


@pytest.mark.parametrize("content", [None, "", "nonsense", "4194304"])
def test_a_process_whose_pid_file_was_lost_is_found_again(process, content):
    pid = process.start(*SLEEP)
    if content is None:
        process.pid_file.unlink()
    else:
        process.pid_file.write_text(content)
    assert process.pid() == pid
    assert process.pid_file.read_text() == f"{pid}\n"


def test_a_process_that_ended_by_itself_is_seen(process):
    process.start(["true"], {"PATH": os.environ["PATH"]})
    deadline = time.monotonic() + 5
    while not process.has_ended() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.has_ended() and process.pid() is None


def test_a_process_that_takes_on_another_program_has_not_ended(process, tmp_path):
    """Here one program after the other; for an instant of each it shows no environment."""
    again = tmp_path / "again"
    again.write_text('#!/bin/sh\nexec "$0"\n')
    again.chmod(0o755)
    process.start([again], {"PATH": os.environ["PATH"]})
    assert not any(process.has_ended() for _ in range(5000))
    assert process.stop(5, signal.SIGKILL) and process.has_ended()


def test_one_whose_first_thread_has_gone_has_not_ended(process):
    """So is a killed Java process for a moment, with its ports still taken; here the second thread stays as long as it may."""
    halved = (
        "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(60,)).start();"
        "print('halved', flush=True); ctypes.CDLL(None).pthread_exit(None)"
    )
    pid = process.start([sys.executable, "-S", "-c", halved], {"PATH": os.environ["PATH"]})
    while process.log_tail(1) != ["halved"] or "zombie" not in Path(f"/proc/{pid}/status").read_text():
        time.sleep(0.01)
    assert not process.has_ended()
    os.kill(pid, signal.SIGKILL)
    while not process.has_ended():
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()


def test_another_lake_has_processes_of_its_own(process, tmp_path):
    process.start(*SLEEP)
    assert Process(tmp_path / "another", "sleeper").pid() is None


def test_one_that_does_not_listen_is_killed(process):
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    process.start([sys.executable, "-S", "-c", stubborn], {"PATH": os.environ["PATH"]})
    while process.log_tail(1) != ["deaf"]:
        time.sleep(0.01)
    assert process.stop(0.5, signal.SIGTERM)
    assert process.pid() is None


# what root may in a container: no tracing, so that another user's environment is closed to it
CONTAINER = (
    "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,+mknod,"
    "+audit_write,+setfcap"
)
AS_NOBODY = """
import signal, sys
from pathlib import Path
from common.lake import process
home = Path(sys.argv[1])
made, again = (process.Process(home, "postgresql") for _ in range(2))
server = "setpriv --reuid=65534 --regid=65534 --clear-groups -- sh -c".split() + ["while :; do sleep 0.1; done"]
pid = made.start([*server, "-D", str(home / "data" / "postgresql")], {"PATH": "/usr/bin:/bin"})
try:
    while True:
        Path(f"/proc/{pid}/environ").read_bytes()
        assert again.pid() == pid and not again.has_ended()
except PermissionError:
    print("closed")
assert again.pid() == pid and not again.has_ended()
made.pid_file.unlink()
assert again.pid() == pid and not again.has_ended()
assert process.Process(home / "another", "postgresql").pid() is None
assert again.stop(5, signal.SIGTERM) and again.pid() is None and again.has_ended()
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root starts another user's process")
def test_root_in_a_container_knows_its_own_process_of_another_user(tmp_path):
    done = subprocess.run(
        ["setpriv", f"--bounding-set={CONTAINER}", "--", sys.executable, "-c", AS_NOBODY, tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "closed\n"), done.stderr


def test_one_of_another_user_is_not_ours_to_stop(process, monkeypatch):
    def refuse(pid, sign):
        raise PermissionError(1, "Operation not permitted")

    pid = process.start(*SLEEP)
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", refuse)
        with pytest.raises(NotAllowed, match=f"process {pid} of the lake is another user's"):
            process.stop(5, signal.SIGTERM)
    assert process.pid() == pid


def test_one_that_the_system_never_shows_is_not_waited_for(process, monkeypatch):
    monkeypatch.setattr(lake_process, "_SHOWN_SECONDS", 0.2)
    monkeypatch.setattr(lake_process, "_shown", lambda pid: b"")
    with pytest.raises(Unavailable, match="sleeper was started, but the system does not show it") as failure:
        process.start(*SLEEP)
    assert not Path(failure.value.where).exists()
