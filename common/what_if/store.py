"""Results of what-ifs, each under its name: tables `hive.scratch.what_if_<name>_<model>`, there until removed.

They lie beside the warehouse's tables, not among the run directories, so that no night ever sweeps them. A result is
built aside; the tables of its name then change to it. What a what-if was is kept in a file beside its rows.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from common.contracts import contract
from common.diff.pins import Pins
from common.errors import NoInput, Usage
from common.plan_world import World, dated
from common.planning import render, write
from common.publish.run import Clients

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_ABOUT = "what_if.json"


def checked_name(text: str) -> str:
    """The name as it was typed; Usage where it can't be part of the name of a table."""
    if not _NAME.fullmatch(text):
        what = f"{text[:60]!r} is not a name: a lower-case letter, then up to 39 of a-z, 0-9 and _"
        raise Usage(what, next="--name more_packs")
    return text


def table(name: str, model: str) -> str:
    """The table of schema `scratch` with the rows of a model."""
    return f"what_if_{name}_{model}"


@dataclass(frozen=True)
class Made:
    """A result that is built and not yet under its name: the directory of each model, and how Trino reads it."""

    root: str
    locations: dict[str, str]
    references: dict[str, str]


def build(clients: Clients, pinned: Pins, name: str, world: World, models: tuple[str, ...]) -> Made:
    """Runs the models of the night over a world, each into a directory of its own."""
    made = Made(f"{_root(clients, name)}/{secrets.token_hex(8)}", {}, {})
    try:
        _build(clients, pinned, world, models, made)
    except BaseException:
        discard(clients, made)
        raise
    return made


def _build(clients: Clients, pinned: Pins, world: World, models: tuple[str, ...], made: Made) -> None:
    for model in models:

        def target(model: str = model) -> tuple[str, str]:
            scratch = pinned.scratch(model)
            return f"{made.root}/{scratch}", scratch

        query = render(model, world.day, world.settings, {**world.references, **made.references}, world.facts)
        made.locations[model], scratch = write(clients, query, target)
        made.references[model] = dated(f"hive.scratch.{scratch}", world.day)


def keep(clients: Clients, name: str, day: date, made: Made, about: Mapping[str, Any]) -> None:
    """Puts a result under its name, in the place of an earlier one."""
    said = {"name": name, "business_date": str(day), "made_at": _now(), "directory": made.root, **about}
    for model, location in made.locations.items():
        clients.metastore.drop_table("scratch", table(name, model))
        clients.metastore.create_scratch(contract(f"planning.{model}"), table(name, model), made.root, {day: location})
    clients.hdfs.write(f"{_root(clients, name)}/{_ABOUT}", json.dumps(said, indent=1, sort_keys=True).encode(), overwrite=True)
    for entry in clients.hdfs.list(_root(clients, name)):
        if entry.is_dir and entry.path != made.root:
            clients.hdfs.delete(entry.path)


def discard(clients: Clients, made: Made) -> None:
    """Removes the files of a result that is not wanted."""
    clients.hdfs.delete(made.root)


def remove(clients: Clients, name: str, models: tuple[str, ...]) -> None:
    """Removes a result: its tables and its files; NoInput where there is none."""
    if not clients.hdfs.exists(_root(clients, name)):
        raise NoInput(f"there is no what-if {name!r}", where=_root(clients, name), next="./submit.sh what-if --list")
    for model in models:
        clients.metastore.drop_table("scratch", table(name, model))
    clients.hdfs.delete(_root(clients, name))


def listed(clients: Clients) -> list[dict[str, Any]]:
    """What is kept, by name."""
    root = _root(clients, "")
    if not clients.hdfs.exists(root):
        return []
    files = [f"{entry.path}/{_ABOUT}" for entry in clients.hdfs.list(root)]
    return [json.loads(clients.hdfs.read(file)) for file in files if clients.hdfs.exists(file)]


def _root(clients: Clients, name: str) -> str:
    return f"{clients.settings['hdfs.warehouse']}/_what_if/{name}".rstrip("/")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
