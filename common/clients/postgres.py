"""PostgreSQL: master data (schema `procurement`) and the ledger (schema `ops`). The only module that connects to it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from common.clients.retry import Away, Retry, given_up
from common.errors import CannotWrite, Misconfigured

_GREETING_SECONDS = 10  # the longest that a server may take to greet a new connection
_QUIET_SECONDS = 50  # for so long a statement is waited for before the server is greeted; with the greeting a minute
# a server whose machine is gone is found out within a minute and a half
_OPTIONS: dict[str, Any] = {
    "connect_timeout": _GREETING_SECONDS, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 6,
    "tcp_user_timeout": 90_000, "options": "-c timezone=UTC -c datestyle=ISO",
}  # fmt: skip


class Connection(psycopg2.extensions.connection):
    """A connection on which nothing waits for ever, as libpq itself would for a server that is paused.

    A statement may take its time. So while one is waited for, the server is now and then greeted on a second connection; if
    it does not answer there either, the wire is cut, and the statement ends like that of any server that goes away.
    """

    is_silent: Callable[[], bool]  # greets the server
    was_cut = False

    def commit(self) -> None:
        with self.waiting():
            super().commit()

    def rollback(self) -> None:
        with self.waiting():
            super().rollback()

    def set_client_encoding(self, encoding: str) -> None:
        with self.waiting():
            super().set_client_encoding(encoding)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While the server is waited for."""
        answered = threading.Event()
        wire = socket.socket(fileno=os.dup(self.fileno()))  # ours, so that no other connection's is ever cut
        threading.Thread(target=self._watch, args=(wire, answered), daemon=True).start()
        try:
            yield
        finally:
            answered.set()

    def _watch(self, wire: socket.socket, answered: threading.Event) -> None:
        with wire:
            while not answered.wait(_QUIET_SECONDS):
                if self.is_silent() and not answered.is_set():
                    self.was_cut = True
                    wire.shutdown(socket.SHUT_RDWR)
                    return


class _Cursor(psycopg2.extensions.cursor):
    def execute(self, query: Any, vars: Any = None) -> None:
        with cast(Connection, self.connection).waiting():
            super().execute(query, vars)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        with cast(Connection, self.connection).waiting():
            super().copy_expert(sql, file, size)


def _parts(url: str) -> dict[str, str]:
    """What libpq reads in an address. A message never shows one: a sign that is not escaped makes a password a part of it."""
    before, _, path = url.partition("://")[2].partition("?")[0].partition("/")
    try:
        if before.count("@") > 1 or "@" in path:
            raise ValueError
        parts: dict[str, str] = psycopg2.extensions.parse_dsn(url)
    except (psycopg2.ProgrammingError, ValueError):
        raise Misconfigured(
            "the address of PostgreSQL can't be read: in its password @ / : ? # % are written as %40 %2F %3A %3F %23 %25",
            where="environment variable DATABASE_URL",
            next="export DATABASE_URL=postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        ) from None
    return parts


class Postgres:
    """Makes connections; `url` is `postgresql://user:password@host:port/database`, else Misconfigured, without a word of it.

    retry_seconds  how long a connection, or one query, is tried again while a server that served before is away
    """

    def __init__(self, url: str, *, retry_seconds: int = 0) -> None:
        self.url, self._retry, self._parts = url, Retry(retry_seconds), _parts(url)

    @property
    def place(self) -> str:
        """Host, port and database, without user and password: fit for messages."""
        host, port = self._parts.get("host"), self._parts.get("port", 5432)
        return f"{host}:{port}/{self._parts.get('dbname', '')}"

    def connect(self, *, application: str = "procurement") -> Connection:
        """A new connection in UTC. The caller closes it."""
        return self._retry(lambda: self._connect(application))

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query, in a transaction of its own; the query must be one that may run twice."""

        def ask() -> list[tuple[Any, ...]]:
            with self._session(lambda: self._connect("procurement")) as cursor:
                cursor.execute(sql, parameters or None)  # without parameters a % is a %
                return cursor.fetchall() if cursor.description else []

        return self._retry(ask)

    @contextmanager
    def transaction(self, *, application: str = "procurement", **session: Any) -> Iterator[psycopg2.extensions.cursor]:
        """A cursor whose statements count together or not at all; TryAgain when the server goes away before they do.

        session  as psycopg2's `set_session`, such as readonly=True
        """

        def connect() -> Connection:
            connection = self.connect(application=application)
            if session:
                connection.set_session(**session)
            return connection

        try:
            with self._session(connect) as cursor:
                yield cursor
        except Away as away:
            raise given_up(away) from away

    def failure(self, connection: Connection, error: psycopg2.Error) -> Exception:
        """What a failed statement says: the disk is full, the server is away, or the error itself."""
        text = f"{self.place}: {' '.join(str(error).split())}"
        if connection.was_cut:
            seconds = _QUIET_SECONDS + _GREETING_SECONDS
            return Away("PostgreSQL was asked a question and is silent", f"{self.place}: no answer, no greeting for {seconds} s")
        if isinstance(error, psycopg2.errors.DiskFull):
            return CannotWrite("PostgreSQL has no room", where=text, next="free space on its disk, then run again")
        if isinstance(error, psycopg2.errors.InsufficientPrivilege):
            return CannotWrite("PostgreSQL: no permission", where=text, next="grant it to the user of DATABASE_URL")
        if connection.closed or isinstance(error, psycopg2.errors.AdminShutdown | psycopg2.errors.CrashShutdown):
            return Away("PostgreSQL was asked a question and is away", text)
        return error

    @contextmanager
    def _session(self, connect: Callable[[], Connection]) -> Iterator[psycopg2.extensions.cursor]:
        connection = connect()
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        except (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.errors.InsufficientPrivilege) as error:
            raise self.failure(connection, error) from error
        finally:
            connection.close()

    def _connect(self, application: str) -> Connection:
        factories: dict[str, Any] = {"connection_factory": Connection, "cursor_factory": _Cursor}
        try:
            made: Connection = psycopg2.connect(self.url, application_name=application, **factories, **_OPTIONS)
        except psycopg2.OperationalError as error:
            raise Away("PostgreSQL can't be reached", f"{self.place}: {str(error).strip().splitlines()[0]}") from None
        made.is_silent = self._is_silent
        return made

    def _is_silent(self) -> bool:
        """Whether a new connection is not greeted; a refusal is a greeting, too."""
        try:
            psycopg2.connect(self.url, application_name="procurement greets", **_OPTIONS).close()
        except psycopg2.OperationalError as error:
            return "timeout expired" in str(error)
        return False
