"""Trino: the only module that opens a connection to it. A failure carries the query id."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
import trino.dbapi
import trino.exceptions

from common.clients.retry import Away, Retry
from common.errors import BadData, CannotWrite, Failure, Stopped, TryAgain, Unavailable, says_no_room

# a writer a node is enough for tables of this size and gives one file; the memory and the time are Trino's to bound.
# Published partitions have no statistics: asking for them, and for the best order of joins, costs a third of the planning
_SESSION = {
    "task_min_writer_count": 1, "task_max_writer_count": 1, "redistribute_writes": False, "scale_writers": False,
    "hive.statistics_enabled": False, "hive.collect_column_statistics_on_write": False, "join_reordering_strategy": "NONE",
}  # fmt: skip
# what Trino itself says while it starts or ends, or while the metastore, HDFS or PostgreSQL behind it is away
_AWAY = {
    "NO_NODES_AVAILABLE", "SERVER_STARTING_UP", "SERVER_SHUTTING_DOWN", "REMOTE_TASK_ERROR",
    "REMOTE_HOST_GONE", "PAGE_TRANSPORT_ERROR", "PAGE_TRANSPORT_TIMEOUT", "TOO_MANY_REQUESTS_FAILED", "ABANDONED_QUERY",
    "HIVE_METASTORE_ERROR", "HIVE_FILESYSTEM_ERROR", "HIVE_CANNOT_OPEN_SPLIT", "HIVE_CURSOR_ERROR", "HIVE_WRITER_OPEN_ERROR",
    "HIVE_WRITER_CLOSE_ERROR", "HIVE_WRITER_DATA_ERROR", "DELTA_LAKE_FILESYSTEM_ERROR", "JDBC_ERROR",
}  # fmt: skip
_EXISTS = ("TABLE_ALREADY_EXISTS", "ALREADY_EXISTS", "HIVE_PATH_ALREADY_EXISTS")
# answers over HTTP of a Trino that has just started: it does not know a query of before
_HTTP_AWAY = ("error 404", "error 410", "error 429", "error 5")
Statement = str | Callable[[], str]


class Trino:
    """Statements of one user, catalog `hive`; safe to use from several threads, each statement on a connection of its own."""

    def __init__(self, url: str, user: str, *, retry_seconds: int = 60) -> None:
        # it is never the first service that a command asks, and the slowest to start: it is waited for from the beginning
        self.url, self._user, self._retry = url, user, Retry(retry_seconds, has_served=True)
        self._running: set[Any] = set()
        self._lock = threading.Lock()

    def execute(self, sql: Statement) -> list[tuple[Any, ...]]:
        """Runs one statement to its end and returns its rows; see `table`."""
        return self.table(sql)[1]

    def table(self, sql: Statement) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Runs one statement to its end and returns the names of its columns and its rows.

        While Trino, or what is behind it, is away the statement is run again, up to `retry_seconds`, then TryAgain. The
        client itself repeats a request whose answer was lost. So a statement that writes has a target of its own, and one
        that must survive a restart is given as a function, which names a fresh target for each run.
        """
        return self._retry(lambda: self._once(sql))

    rows = execute

    def one(self, sql: str) -> Any:
        """The first column of the only row."""
        return self.execute(sql)[0][0]

    def cancel(self) -> None:
        """Cancels what this client runs at the moment (called on SIGTERM)."""
        with self._lock:
            running = list(self._running)
        for cursor in running:
            _cancel(cursor)

    def _once(self, sql: Statement) -> tuple[list[str], list[tuple[Any, ...]]]:
        parts = urlsplit(self.url)
        connection = trino.dbapi.connect(
            host=parts.hostname,
            port=parts.port,
            http_scheme=parts.scheme,
            user=self._user,
            catalog="hive",
            source="procurement",
            timezone="UTC",
            session_properties=_SESSION,
            request_timeout=30,
            max_attempts=3 if isinstance(sql, str) else 1,
            http_session=_session_to(parts.hostname or ""),
        )
        cursor = connection.cursor()
        with self._lock:
            self._running.add(cursor)
        try:
            cursor.execute(sql if isinstance(sql, str) else sql())
            rows = [tuple(row) for row in cursor.fetchall()]
            return [column[0] for column in cursor.description or ()], rows
        except (KeyboardInterrupt, Stopped):
            _cancel(cursor)
            raise
        except trino.exceptions.TrinoQueryError as error:
            raise _failure(error) from error
        except (trino.exceptions.Error, trino.exceptions.HttpError, requests.exceptions.RequestException) as error:
            raise self._no_answer(error) from error
        finally:
            with self._lock:
                self._running.discard(cursor)
            connection.close()

    def _no_answer(self, error: Exception) -> Failure | Away:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        if isinstance(error, trino.exceptions.HttpError) and text.startswith("error") and not text.startswith(_HTTP_AWAY):
            return Unavailable(f"Trino refused a request: {text}", where=self.url, next="./submit.sh check")
        return Away("Trino was asked to run a statement and is away", f"{self.url}: {text}")


def _session_to(host: str) -> requests.Session:
    """A session that goes through no proxy to this machine, nor to a neighbour that is known by one word alone."""
    session = requests.Session()
    if host.startswith("127.") or host == "::1" or not set(host) & set(".:"):
        session.trust_env = False
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True  # of what it no longer trusts, this is still meant
    return session


def _cancel(cursor: Any) -> None:
    # not begun yet, or out of reach: there is nothing to cancel
    with suppress(trino.exceptions.Error, trino.exceptions.HttpError, OSError):
        cursor.cancel()


def text_literal(text: str) -> str:
    """A text as SQL; whatever it holds stays a text."""
    return "'" + text.replace("'", "''") + "'"


def _failure(error: Any) -> Failure | Away:
    where = f"query {error.query_id}"
    name, text = error.error_name, f"Trino refused a statement: {error.message}"
    causes = f"{error.message} {error.failure_info}"  # the message alone may be no more than "error committing write"
    if says_no_room(causes):
        return CannotWrite(text, where=where, next="free space in HDFS, then run again")
    if name in _AWAY or "ConnectException" in causes or "Connection refused" in causes:
        return Away(f"Trino, or a service behind it, is away: {error.message}", where)
    if error.error_type == "INSUFFICIENT_RESOURCES":
        return TryAgain(text, where=where, next="wait until Trino is less busy, then run again")
    if name == "PERMISSION_DENIED":
        return CannotWrite(text, where=where, next="have the user of this command let in by Trino's access control")
    if name in ("ADMINISTRATIVELY_KILLED", "USER_CANCELED"):
        return TryAgain(text, where=where, next="run the stage again")
    if name in _EXISTS:  # every name that we create is made for this one statement
        lost = f"a statement was run twice, since its answer was lost: {error.message}"
        return TryAgain(lost, where=where, next="the same command again")
    if name in ("NUMERIC_VALUE_OUT_OF_RANGE", "DIVISION_BY_ZERO", "HIVE_BAD_DATA"):
        return BadData(text, where=where)
    if name.startswith("HIVE_") and error.error_type == "EXTERNAL":
        return Unavailable(text, where=where, next="./submit.sh check")
    return Failure(text, where=where)
