"""The manifest of a raw folder, `_manifest.json`: which files it has, whole and verified. It is written last.

A folder without one is not landed yet; a folder with anything else than what it lists stops the night. The SHA-256 of
the manifest's bytes is the fingerprint of the whole input: names, sizes and checksums are in it, times are not.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from common.clients.hdfs import Entry, Hdfs
from common.contracts import contract
from common.errors import BadData, NoInput
from common.landing.describe import Piece, RawFile
from common.settings import Settings

MANIFEST = "_manifest.json"
COPYING = "._COPYING_"
_TABLES = {"orders": "staging.pos_order_lines", "stock": "staging.warehouse_stock", "receipts": "staging.receipts"}
_SAFE = re.compile(r"[^\W_][\w .+=@,()-]*\.(jsonl|json|csv)(\.gz)?")


@dataclass(frozen=True)
class Manifest:
    """What a raw folder holds. `accept_short`: an operator took this stock although a warehouse's snapshot is short."""

    kind: str
    day: date
    files: tuple[RawFile, ...]
    accept_short: bool = False

    def to_bytes(self) -> bytes:
        """The file: UTF-8 JSON, keys and files sorted, so that equal content is equal bytes."""
        tree: dict[str, Any] = {
            "version": 1,
            "kind": self.kind,
            "business_date": self.day.isoformat(),
            "files": [asdict(file) for file in sorted(self.files, key=lambda f: f.name)],
        }
        if self.kind != "master":
            tree["accept_short"] = self.accept_short
        return (json.dumps(tree, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def lines(self) -> int:
        return sum(file.lines for file in self.files)

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def file(self, name: str) -> RawFile | None:
        """The listed file of that name."""
        return next((file for file in self.files if file.name == name), None)


def raw_folder(settings: Settings, kind: str, day: date) -> str:
    """`/raw/<kind>/<D>`"""
    return f"{settings['hdfs.raw']}/{kind}/{day.isoformat()}"


def is_safe_name(name: str) -> bool:
    """Whether a raw file may have this name: `*.jsonl`, `*.json`, `*.csv`, each also `.gz`; nothing hidden, no path."""
    return bool(_SAFE.fullmatch(name)) and name.isprintable() and len(name.encode()) <= 200


def parse_manifest(data: bytes, where: str) -> Manifest:
    """The manifest in a file's bytes; BadData when it is none."""
    try:
        tree = json.loads(data)
        if tree["version"] != 1:
            raise ValueError(f"version {tree['version']}")
        files = tuple(
            RawFile(f["name"], f["size"], f["lines"], f["sha256"], tuple(Piece(**piece) for piece in f["pieces"]))
            for f in tree["files"]
        )
        return Manifest(tree["kind"], date.fromisoformat(tree["business_date"]), files, tree.get("accept_short", False))
    except (ValueError, KeyError, TypeError) as error:
        raise BadData(f"the manifest can't be read: {error}", where=where) from None


def find_manifest(hdfs: Hdfs, folder: str) -> Manifest | None:
    """The manifest of a folder as it stands, unchecked; None when there is none."""
    path = f"{folder}/{MANIFEST}"
    return parse_manifest(hdfs.read(path), path) if hdfs.exists(path) else None


def check_format(kind: str, name: str, where: str) -> None:
    """BadData for a file whose ending is none of the formats in which its kind comes; .json is JSON Lines too."""
    raw = contract(_TABLES[kind]).raw
    ending = name.removesuffix(".gz").rpartition(".")[2]
    if raw is None or ("jsonl" if ending == "json" else ending) not in raw.formats:
        formats = " or ".join(raw.formats) if raw else "no file"
        next = "take it away, and have the sender send that"
        raise BadData(f"{kind} come as {formats}, {name!r} does not", where=where, next=next)


def write_manifest(hdfs: Hdfs, folder: str, manifest: Manifest) -> None:
    """Puts a manifest into its folder in one step: written aside, renamed over the old one."""
    aside = f"{folder}/.{MANIFEST}.{secrets.token_hex(4)}{COPYING}"
    hdfs.write(aside, manifest.to_bytes())
    hdfs.rename(aside, f"{folder}/{MANIFEST}", overwrite=True)


def accept_short(hdfs: Hdfs, day: date, settings: Settings) -> None:
    """Notes beside a date's stock that an operator takes it although a snapshot is short: a replay asks nobody again."""
    manifest = read_manifest(hdfs, "stock", day, settings)
    if not manifest.accept_short:
        write_manifest(hdfs, raw_folder(settings, "stock", day), replace(manifest, accept_short=True))


def read_manifest(hdfs: Hdfs, kind: str, day: date, settings: Settings) -> Manifest:
    """The manifest of a landed raw folder, checked against what lies there.

    NoInput when there is no such folder. An upload in flight and a missing manifest are waited for
    (`inbox.manifest_wait_seconds`), then they are BadData, as a foreign file or another size is at once.
    """
    folder = raw_folder(settings, kind, day)
    maker = f"./submit.sh {'snapshot_master' if kind == 'master' else 'ingest'} {day}"
    deadline = time.monotonic() + settings["inbox.manifest_wait_seconds"]
    while True:
        try:
            entries = hdfs.list(folder)
        except NoInput:
            raise NoInput(f"{folder} is not there", where=hdfs.url, next=maker) from None
        unfinished = [e.name for e in entries if e.name.endswith(COPYING) and not e.name.startswith(".")]
        if any(e.name == MANIFEST for e in entries) and not unfinished:
            path = f"{folder}/{MANIFEST}"
            manifest = parse_manifest(hdfs.read(path), path)
            check_folder(manifest, entries, folder)
            return manifest
        if time.monotonic() >= deadline:
            what = f"an upload is still in flight: {unfinished[0]!r}" if unfinished else f"there is no {MANIFEST}"
            raise BadData(what, where=folder, next=maker if kind == "master" else f"{maker} --adopt --kind {kind}")
        time.sleep(0.5)


def check_folder(manifest: Manifest, entries: list[Entry], folder: str) -> None:
    """BadData, with the name, when the folder holds what the manifest does not list, or not what it lists."""
    day, kind = manifest.day, manifest.kind
    if not folder.endswith(f"/{kind}/{day}"):
        raise BadData(f"the manifest is that of {kind} {day}", where=f"{folder}/{MANIFEST}")
    there = {e.name: e for e in entries if e.name != MANIFEST and not _is_ours_unfinished(e.name)}
    repair = f"./submit.sh {'snapshot_master' if kind == 'master' else 'ingest'} {day}"
    if foreign := sorted(set(there) - {file.name for file in manifest.files}):
        hint = f"remove it, or list it with {repair} --adopt --kind {kind}" if kind != "master" else "remove it"
        raise BadData(f"a foreign file lies in the partition: {foreign[0]!r}", where=folder, next=hint)
    option = " --refresh-master" if kind == "master" else " --replace"
    for file in manifest.files:
        entry = there.get(file.name)
        if entry is None:
            hint = repair + option
            if kind != "master":
                hint = f"put it into the inbox again, then {hint}; or {repair} --kind {kind} --withdraw {file.name}"
            raise BadData(f"{file.name} is listed and not there", where=folder, next=hint)
        if entry.size != file.size or entry.is_dir:
            raise BadData(
                f"{file.name} has {entry.size} bytes, its manifest says {file.size}", where=folder, next=repair + option
            )


def _is_ours_unfinished(name: str) -> bool:
    """What a killed ingest leaves: hidden, swept by the next one, in nobody's way."""
    return name.startswith(".") and name.endswith(COPYING)


def piece_bytes(settings: Settings) -> int:
    """Size of a piece in bytes."""
    return int(settings["staging.piece_mb"]) << 20
