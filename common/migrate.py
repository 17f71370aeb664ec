"""The PostgreSQL schema in numbered steps: `sql/migrations/NNN_name.sql`, each applied once, in order, all or nothing.

The migrations are the truth. `sql/schema.sql` is all of them in one file, to be read, or applied with psql where this
program can't run; `python -m common.migrate` writes it, and a test says when that was forgotten. `ops.migrations`
remembers what was applied. Every migration may be applied twice and changes nothing, and so may schema.sql.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from common.clients.postgres import Postgres
from common.errors import BadData, Misconfigured, TryAgain
from common.settings import ROOT

FOLDER = ROOT / "sql" / "migrations"
SCHEMA = ROOT / "sql" / "schema.sql"
MASTER = ROOT / "sql" / "init_master_data.sql"
_NAME = re.compile(r"([0-9]{3})_[a-z0-9_]+\.sql", re.ASCII)
_LOCK = 0x6D696772  # "migr": two programs that start at once apply the steps once

BOOK = """\
create schema if not exists ops;
comment on schema ops is 'What the pipeline did: runs, stages, migrations';
create table if not exists ops.migrations (
    number integer primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now()
);
comment on table ops.migrations is 'Steps of the schema that were applied';
comment on column ops.migrations.number is 'Number of the step, from 1';
comment on column ops.migrations.name is 'File in sql/migrations';
comment on column ops.migrations.sha256 is 'SHA-256 of the file as it was applied';
comment on column ops.migrations.applied_at is 'When it was applied';
"""


@dataclass(frozen=True)
class Migration:
    """One step: its number, file name and SQL text."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All steps in order; Misconfigured when a number is missing, doubled, or a file is misnamed."""
    steps = []
    for file in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(file.name)
        if not match:
            raise Misconfigured("a migration is named NNN_lower_case.sql", where=str(file))
        steps.append(Migration(int(match[1]), file.name, file.read_text(encoding="utf-8")))
    if [step.number for step in steps] != list(range(1, len(steps) + 1)):
        raise Misconfigured("migrations are numbered 001, 002, ... without a gap", where=str(folder))
    return steps


def migrate(postgres: Postgres) -> list[str]:
    """Applies what is missing in one transaction; the names of the applied steps, none when all were there.

    BadData where rows that are there break a constraint that a step adds.
    """
    try:
        with postgres.transaction() as cursor:
            cursor.execute("set local client_min_messages = warning")
            cursor.execute("set local lock_timeout = '30s'")
            cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            cursor.execute(BOOK)
            cursor.execute("select number, name, sha256 from ops.migrations")
            applied = {number: (name, sha256) for number, name, sha256 in cursor.fetchall()}
            missing = [step for step in migrations() if not _is_applied(step, applied)]
            for step in missing:
                cursor.execute(step.text)
                cursor.execute(
                    "insert into ops.migrations (number, name, sha256) values (%s, %s, %s)",
                    (step.number, step.name, step.sha256),
                )
            return [step.name for step in missing]
    except psycopg2.IntegrityError as error:
        raise BadData(
            "what PostgreSQL holds breaks a rule of a newer schema; nothing was changed",
            where=str(error).strip(),
            next="correct those rows, then type the same command again",
        ) from None
    except psycopg2.errors.LockNotAvailable:
        raise TryAgain("another session holds a lock on the schema", where="PostgreSQL") from None


def _is_applied(step: Migration, applied: dict[int, tuple[str, str]]) -> bool:
    name, sha256 = applied.get(step.number, ("", ""))
    if not name:
        return False
    if (name, sha256) != (step.name, step.sha256):
        raise Misconfigured(
            f"migration {step.number} was applied as {name} with another content: an applied step never changes",
            where=f"sql/migrations/{step.name}",
            next="put the change into a new migration, or empty a lake of no value with ./submit.sh lake reset",
        )
    return True


def schema_text() -> str:
    """What sql/schema.sql must contain."""
    parts = [
        "-- sql/schema.sql\n"
        "-- Purpose   The whole PostgreSQL schema, made from sql/migrations/ by: python -m common.migrate\n"
        '-- Usage     psql "$DATABASE_URL" --single-transaction -v ON_ERROR_STOP=1 -f sql/schema.sql\n'
        "-- Twice     Applying it again changes nothing. Any stage applies what is missing by itself.\n",
        BOOK,
    ]
    for step in migrations():
        parts.append(step.text)
        parts.append(
            f"insert into ops.migrations (number, name, sha256)\n"
            f"values ({step.number}, '{step.name}', '{step.sha256}')\non conflict (number) do nothing;\n"
        )
    return "\n".join(parts)


def init_master_data(postgres: Postgres) -> None:
    """Loads the small readable set of sql/init_master_data.sql; loading it again changes nothing."""
    with postgres.transaction() as cursor:
        cursor.execute(MASTER.read_text(encoding="utf-8"))


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
