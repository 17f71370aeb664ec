"""PostgreSQL: master data (schema `procurement`) and the ledger (schema `ops`). The only module that connects to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from common.clients.retry import Away, Retry, given_up
from common.errors import CannotWrite

Connection = psycopg2.extensions.connection
# a server whose machine is gone is found out within a minute and a half
_OPTIONS: dict[str, Any] = {
    "connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 6, "tcp_user_timeout": 90_000,
    "options": "-c timezone=UTC -c datestyle=ISO",
}  # fmt: skip


class Postgres:
    """Makes connections; `url` is `postgresql://user:password@host:port/database`.

    retry_seconds  how long a connection, or one query, is tried again while a server that served before is away
    """

    def __init__(self, url: str, *, retry_seconds: int = 0) -> None:
        self.url, self._retry = url, Retry(retry_seconds)

    @property
    def place(self) -> str:
        """Host, port and database, without user and password: fit for messages."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port or 5432}{parts.path}"

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
        if isinstance(error, psycopg2.errors.DiskFull):
            return CannotWrite("PostgreSQL has no room", where=text, next="free space on its disk, then run again")
        if connection.closed or isinstance(error, psycopg2.errors.AdminShutdown | psycopg2.errors.CrashShutdown):
            return Away("PostgreSQL was asked a question and is away", text)
        return error

    @contextmanager
    def _session(self, connect: Callable[[], Connection]) -> Iterator[psycopg2.extensions.cursor]:
        connection = connect()
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            raise self.failure(connection, error) from error
        finally:
            connection.close()

    def _connect(self, application: str) -> Connection:
        try:
            return psycopg2.connect(self.url, application_name=application, **_OPTIONS)
        except psycopg2.OperationalError as error:
            raise Away("PostgreSQL can't be reached", f"{self.place}: {str(error).strip().splitlines()[0]}") from None
