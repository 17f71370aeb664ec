"""Trino: the only module that opens a connection to it. A failure carries the query id."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
import trino.dbapi
import trino.exceptions

from common.errors import BadData, CannotWrite, Failure, Stopped, TryAgain, Unavailable

# a writer a node is enough for tables of this size and gives one file; the memory and the time are Trino's to bound.
# Published partitions have no statistics: asking for them, and for the best order of joins, costs a third of the planning
_SESSION = {
    "task_min_writer_count": 1, "task_max_writer_count": 1, "redistribute_writes": False, "scale_writers": False,
    "hive.statistics_enabled": False, "hive.collect_column_statistics_on_write": False, "join_reordering_strategy": "NONE",
}  # fmt: skip
_AWAY = (requests.exceptions.ConnectionError, requests.exceptions.Timeout)


class Trino:
    """Statements of one user, catalog `hive`; safe to use from several threads, each statement on a connection of its own."""

    def __init__(self, url: str, user: str, *, retry_seconds: int = 60) -> None:
        self.url, self._user, self._retry_seconds = url, user, retry_seconds
        self._running: set[Any] = set()
        self._lock = threading.Lock()

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs one statement to its end and returns its rows; see `table`."""
        return self.table(sql)[1]

    def table(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Runs one statement to its end and returns the names of its columns and its rows.

        While Trino can't be reached at all the statement is tried again, up to `retry_seconds`, then TryAgain. The
        client itself repeats a request whose answer was lost: a statement that writes must have a target of its own.
        """
        deadline = time.monotonic() + self._retry_seconds
        pause = 0.5
        while True:
            try:
                return self._once(sql)
            except _AWAY as error:
                if time.monotonic() + pause > deadline:
                    raise TryAgain(
                        "Trino can't be reached", where=f"{self.url}: {type(error).__name__}", next="./submit.sh check"
                    ) from None
                time.sleep(pause)
                pause = min(pause * 2, 8)
            except trino.exceptions.TrinoQueryError as error:
                raise _failure(error) from error
            except trino.exceptions.Error as error:
                raise Unavailable(f"Trino did not answer: {error}", where=self.url, next="./submit.sh check") from error

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

    def _once(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
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
            max_attempts=3,
        )
        cursor = connection.cursor()
        with self._lock:
            self._running.add(cursor)
        try:
            cursor.execute(sql)
            rows = [tuple(row) for row in cursor.fetchall()]
            return [column[0] for column in cursor.description or ()], rows
        except (KeyboardInterrupt, Stopped):
            _cancel(cursor)
            raise
        finally:
            with self._lock:
                self._running.discard(cursor)
            connection.close()


def _cancel(cursor: Any) -> None:
    with suppress(trino.exceptions.Error, OSError):  # not begun yet, or out of reach: there is nothing to cancel
        cursor.cancel()


def text_literal(text: str) -> str:
    """A text as SQL; whatever it holds stays a text."""
    return "'" + text.replace("'", "''") + "'"


def _failure(error: Any) -> Failure:
    where = f"query {error.query_id}"
    name, text = error.error_name, f"Trino refused a statement: {error.message}"
    if name in ("NO_NODES_AVAILABLE", "SERVER_STARTING_UP", "SERVER_SHUTTING_DOWN"):
        return TryAgain(text, where=where, next="./submit.sh check")
    if error.error_type == "INSUFFICIENT_RESOURCES":
        return TryAgain(text, where=where, next="wait until Trino is less busy, then run again")
    if "No space left" in text or "could only be written to 0" in text:
        return CannotWrite(text, where=where, next="free space in HDFS, then run again")
    if name in ("ADMINISTRATIVELY_KILLED", "USER_CANCELED"):
        return TryAgain(text, where=where, next="run the stage again")
    if name.startswith("HIVE_") and error.error_type == "EXTERNAL":
        return Unavailable(text, where=where, next="./submit.sh check")
    if name in ("NUMERIC_VALUE_OUT_OF_RANGE", "DIVISION_BY_ZERO", "HIVE_BAD_DATA"):
        return BadData(text, where=where)
    return Failure(text, where=where)
