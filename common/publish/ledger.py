"""The ledger in PostgreSQL: one run a date at a time, a row a run, a row a stage.

The lock of a date is a PostgreSQL advisory lock held by the run's own session: a crash frees it, a paused process keeps
it, and an operator's `unlock` ends the session, after which the run can neither record nor publish anything.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg2

from common.clients.postgres import Connection, Postgres
from common.errors import Failure, TryAgain
from common.stages import Built, Input

_LOCK_CLASS = 20171223  # any fixed number: the first key of all our advisory locks; the second is the date
# locks of this database: another one on the same server may have a ledger, too
_OURS = "l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())"


@dataclass(frozen=True)
class StageRow:
    """A row of ops.stages."""

    run_id: int
    stage: str
    status: str
    fingerprint: str
    inputs: list[dict[str, str]]
    tables: dict[str, str]
    rows: dict[str, int]
    notes: dict[str, Any]


class Ledger:
    """The ledger as one run sees it; its session holds the lock of the date while it is open."""

    def __init__(self, postgres: Postgres, day: date) -> None:
        self._postgres, self.day = postgres, day
        self._connection: Connection | None = None
        self.run_id = 0

    def lock(self, wait_seconds: int) -> None:
        """Takes the lock of the date, or TryAgain when another run holds it longer than `wait_seconds`."""
        self._connection = self._postgres.connect(application=f"procurement {self.day}")
        self._connection.autocommit = True
        deadline = time.monotonic() + wait_seconds
        while not self._rows("select pg_try_advisory_lock(%s, %s)", _LOCK_CLASS, self.day.toordinal())[0][0]:
            if time.monotonic() >= deadline:
                holder = lock_holder(self._postgres, self.day)
                self.close()
                raise TryAgain(
                    f"another run of {self.day} is under way",
                    where=holder,
                    next=f"wait for it, or if it hangs: ./submit.sh unlock {self.day}",
                )
            time.sleep(0.5)

    def begin(self, command: str, options: dict[str, Any], code_version: str, settings_hash: str) -> int:
        """Opens a run and returns its number."""
        self.run_id = self._rows(
            "insert into ops.runs (business_date, command, options, code_version, settings_hash, host, pid, backend_pid)"
            " values (%s, %s, %s, %s, %s, %s, %s, pg_backend_pid()) returning run_id",
            self.day,
            command,
            json.dumps(options),
            code_version,
            settings_hash,
            socket.gethostname(),
            os.getpid(),
        )[0][0]
        return self.run_id

    def number_above(self, taken: int) -> int:
        """The run's number; another one, above `taken`, where it is not. Before the run has recorded anything.

        A ledger that was restored from a backup, or set up anew, counts again what runs have had that it does not know.
        """
        if self.run_id <= taken:
            counter = "ops.runs_run_id_seq"
            self._rows(f"select count(nextval('{counter}')) from {counter}, generate_series(last_value + 1, %s)", taken)
            sql = "update ops.runs set run_id = default where run_id = %s returning run_id"
            self.run_id = self._rows(sql, self.run_id)[0][0]
        return self.run_id

    def settings_are(self, settings_hash: str) -> None:
        """Records that the run goes by other settings than those that it began with."""
        self._rows("update ops.runs set settings_hash = %s where run_id = %s returning run_id", settings_hash, self.run_id)

    def end(self, status: str, exit_code: int, error: str | None = None) -> None:
        """Closes the run."""
        self._rows(
            "update ops.runs set status = %s, exit_code = %s, error = %s, ended_at = clock_timestamp() where run_id = %s",
            status,
            exit_code,
            error,
            self.run_id,
        )

    def stage_begins(self, stage: str, fingerprint: str, inputs: list[Input]) -> None:
        """Records the inputs that a stage has pinned."""
        self._rows(
            "insert into ops.stages (run_id, stage, status, fingerprint, inputs) values (%s, %s, 'running', %s, %s)",
            self.run_id,
            stage,
            fingerprint,
            json.dumps([vars(i) for i in inputs]),
        )

    def stage_publishes(self, stage: str, built: Built) -> None:
        """Records the intent: built and audited, about to be flipped. From here a crash is rolled forward."""
        self._rows(
            "update ops.stages set status = 'publishing', tables = %s, rows = %s, notes = %s where run_id = %s and stage = %s",
            json.dumps(built.tables),
            json.dumps(built.rows),
            json.dumps(built.notes, default=str),
            self.run_id,
            stage,
        )

    def stage_ends(self, stage: str, status: str, error: str | None = None, run_id: int | None = None) -> None:
        """Records how a stage of this run (or of an earlier one, when reconciling) ended."""
        self._rows(
            "update ops.stages set status = %s, error = %s, ended_at = clock_timestamp() where run_id = %s and stage = %s",
            status,
            error,
            run_id or self.run_id,
            stage,
        )

    def stage_fails(self, stage: str, error: str) -> None:
        """Records a failure, unless its flip had begun: what is half published is for the next start to complete."""
        self._rows(
            "update ops.stages set status = 'failed', error = %s, ended_at = clock_timestamp()"
            " where run_id = %s and stage = %s and status = 'running'",
            error,
            self.run_id,
            stage,
        )

    def require_lock(self) -> None:
        """Asserts that this run still may publish; TryAgain when its session was ended."""
        held = self._rows(
            f"select count(*) from pg_locks l where {_OURS} and l.pid = pg_backend_pid() and l.classid = %s and l.objid = %s",
            _LOCK_CLASS,
            self.day.toordinal(),
        )[0][0]
        if not held:
            raise self._lost()

    def unfinished(self) -> list[StageRow]:
        """Stages of earlier runs of the date that were left running or publishing."""
        return self._stages("s.status in ('running', 'publishing') and r.run_id <> %s", self.run_id)

    def abandon_runs(self) -> None:
        """Marks the earlier runs of the date that ended without a word. Only under the lock."""
        self._rows(
            "update ops.runs set status = 'abandoned', ended_at = clock_timestamp()"
            " where business_date = %s and status = 'running' and run_id <> %s",
            self.day,
            self.run_id,
        )

    def last_success(self, stage: str) -> StageRow | None:
        """The newest succeeded execution of a stage for the date."""
        found = self.successes(stage)
        return found[-1] if found else None

    def successes(self, stage: str) -> list[StageRow]:
        """Every succeeded execution of a stage for the date, oldest first."""
        return self._stages("s.status = 'succeeded' and s.stage = %s", stage)

    def published_locations(self) -> set[str]:
        """Every directory that was ever published for the date."""
        return {path for row in self._stages("s.status = 'succeeded'") for path in row.tables.values()}

    def promised_locations(self) -> set[str]:
        """Directories of the date whose publication was begun: this run, or the next start, completes it."""
        return {path for row in self._stages("s.status = 'publishing'") for path in row.tables.values()}

    def close(self) -> None:
        """Releases the lock and ends the session: PostgreSQL itself notices a moment later that one has ended."""
        if self._connection is not None:
            with contextlib.suppress(psycopg2.Error), self._connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock_all()")
            self._connection.close()
            self._connection = None

    def _stages(self, condition: str, *parameters: Any) -> list[StageRow]:
        rows = self._rows(
            "select s.run_id, s.stage, s.status, s.fingerprint, s.inputs, s.tables, s.rows, s.notes"
            f" from ops.stages s join ops.runs r using (run_id) where r.business_date = %s and {condition} order by s.run_id",
            self.day,
            *parameters,
        )
        return [StageRow(*row) for row in rows]

    def _rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        if self._connection is None:
            raise self._lost()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else []
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            failure = self._postgres.failure(self._connection, error)
            raise (failure if isinstance(failure, Failure) else self._lost()) from error

    def _lost(self) -> Exception:
        return TryAgain(
            f"run {self.run_id} of {self.day} has lost its PostgreSQL session, and with it the right to publish",
            where=self._postgres.place,
            next=f"./submit.sh status {self.day}, then run the command again",
        )


def locked_dates(postgres: Postgres) -> list[date]:
    """The dates that are locked at the moment, by whomever."""
    rows = postgres.rows(f"select l.objid::bigint from pg_locks l where {_OURS} and l.classid = %s and l.granted", (_LOCK_CLASS,))
    return sorted(date.fromordinal(number) for (number,) in rows)


def pinned_by(postgres: Postgres, day: date) -> set[date]:
    """The dates whose runs have not ended and have pinned a table of `day`."""
    rows = postgres.rows(
        "select distinct r.business_date from ops.runs r join ops.stages s using (run_id),"
        " jsonb_array_elements(s.inputs) as pinned"
        " where r.status = 'running' and s.status in ('running', 'publishing') and right(pinned ->> 'name', 11) = %s",
        (f"/{day}",),
    )
    return {row[0] for row in rows}


def lock_holder(postgres: Postgres, day: date) -> str | None:
    """Who holds the lock of a date, in words; None when nobody does."""
    rows = postgres.rows(
        "select r.run_id, r.command, r.host, r.pid, r.started_at from pg_locks l join ops.runs r on r.backend_pid = l.pid"
        f" and r.status = 'running' where {_OURS} and l.classid = %s and l.objid = %s and l.granted",
        (_LOCK_CLASS, day.toordinal()),
    )
    if not rows:
        return None
    run_id, command, host, pid, started = rows[-1]
    return f"run {run_id} ({command}) by process {pid} on {host} since {started:%Y-%m-%d %H:%M:%S} UTC"


def unlock(postgres: Postgres, day: date) -> int:
    """Ends the sessions that hold the lock of a date; returns how many."""
    rows = postgres.rows(
        "select pg_terminate_backend(l.pid, 5000) from pg_locks l"
        f" where {_OURS} and l.classid = %s and l.objid = %s and l.granted",
        (_LOCK_CLASS, day.toordinal()),
    )
    return sum(1 for (ended,) in rows if ended)
