"""PostgreSQL: master data (schema `procurement`) and the ledger (schema `ops`). The only module that connects to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import psycopg2
import psycopg2.extensions

from common.errors import Unavailable

Connection = psycopg2.extensions.connection


class Postgres:
    """Makes connections; `url` is `postgresql://user:password@host:port/database`."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def place(self) -> str:
        """Host, port and database, without user and password: fit for messages."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port or 5432}{parts.path}"

    def connect(self, *, application: str = "procurement") -> Connection:
        """A new connection in UTC, or Unavailable. The caller closes it."""
        try:
            return psycopg2.connect(
                self.url, connect_timeout=10, application_name=application, options="-c timezone=UTC -c datestyle=ISO"
            )
        except psycopg2.OperationalError as error:
            raise Unavailable(
                "PostgreSQL can't be reached",
                where=f"{self.place}: {str(error).strip().splitlines()[0]}",
                next="./submit.sh check",
            ) from None

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query, in a transaction of its own."""
        connection = self.connect()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)  # without parameters a % is a %
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()
