"""The lake as a run saw it: its pinned directories as tables of schema `scratch`, whatever is published by now.

A table of the metastore names each directory under a date, so the models read old and new inputs alike, and those of one
date as if they were another's. The files are only read. The tables are dropped when the comparison ends.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta

from common.contracts import contract
from common.errors import NoInput
from common.publish.run import Clients, table_root
from common.stages import Input

_PREFIX = "pinned"
_LEFT_OVER_SECONDS = 86_400
# a table and its directories by date
_Key = tuple[str, tuple[tuple[date, str], ...]]


class Pins:
    """Scratch tables over pinned directories; one for each set of directories, however often it is asked for."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._mark = f"{_PREFIX}_{int(time.time())}_{secrets.token_hex(3)}"
        self._made: dict[_Key, str] = {}

    def reference(self, table: str, directories: Mapping[date, str]) -> str:
        """How Trino reads `schema.table` with the rows of these directories under these dates."""
        key: _Key = table, tuple(sorted(directories.items()))
        if key not in self._made:
            name = f"{self._mark}_{len(self._made)}_{table.partition('.')[2]}"
            self._made[key] = name
            place = table_root(self._clients.settings, table)
            self._clients.metastore.create_scratch(contract(table), name, place, dict(directories))
        return f"hive.scratch.{self._made[key]}"

    def scratch(self, name: str) -> str:
        """A name, another one each time, of a table that the caller makes; it is dropped with the others, its files stay."""
        table = f"{self._mark}_{len(self._made)}_{name}"
        self._made[table, ()] = table
        return table

    def drop(self) -> None:
        """Drops the tables; their files are those of the runs and stay."""
        for name in self._made.values():
            self._clients.metastore.drop_table("scratch", name)


@contextmanager
def pins(clients: Clients) -> Iterator[Pins]:
    """Pins that are dropped at the end; those of a process that was killed go with the next one, a day later."""
    for name in clients.metastore.tables("scratch"):
        mark, _, rest = name.partition("_")
        if mark == _PREFIX and time.time() - int(rest.partition("_")[0]) > _LEFT_OVER_SECONDS:
            clients.metastore.drop_table("scratch", name)
    made = Pins(clients)
    try:
        yield made
    finally:
        made.drop()


def directories(inputs: Iterable[Input]) -> dict[str, dict[date, str]]:
    """The pinned directory of each table and date; raw folders are no tables and left out."""
    found: dict[str, dict[date, str]] = {}
    for item in inputs:
        table, _, day = item.name.rpartition("/")
        if "." in table:
            found.setdefault(table, {})[date.fromisoformat(day)] = item.location
    return found


def shifted(of_table: Mapping[date, str], shift: timedelta) -> dict[date, str]:
    """The same directories under dates that are `shift` later."""
    return {day + shift: location for day, location in of_table.items()}


def require(clients: Clients, inputs: Iterable[Input], run: str) -> None:
    """NoInput where a pinned directory is no longer there."""
    for item in inputs:
        if "." in item.name.partition("/")[0] and not clients.hdfs.exists(item.location):
            raise NoInput(
                f"{run} can't be compared any more: its {item.name} was removed",
                where=item.location,
                next="retention removes directories of old runs; compare younger ones: ./submit.sh status",
            )
