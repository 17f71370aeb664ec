"""Lands the inbox's files of one date in HDFS: `inbox/<kind>/D/` to `/raw/<kind>/D/`, for orders, stock and receipts.

Order of things: decide what to do with every file before the first byte moves; upload all under temporary names, read
back; rename; manifest last. Killed at any instant, the same command goes on from what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from common.clients.hdfs import Hdfs
from common.errors import BadData, NoInput, NotAllowed, TryAgain
from common.inbox.sending import inbox_folder
from common.landing.describe import RawFile, blocks_of, describe
from common.landing.inbox import Arrivals, arrivals
from common.landing.manifest import (
    COPYING,
    MANIFEST,
    Manifest,
    check_format,
    find_manifest,
    is_safe_name,
    piece_bytes,
    raw_folder,
    read_manifest,
    write_manifest,
)
from common.landing.upload import Uploaded, temporary, upload
from common.publish.barrier import barrier
from common.settings import Settings

T = TypeVar("T")
_SMALL = 1 << 20
_SMALL_AT_ONCE, _LARGE_AT_ONCE = 64, 16  # closing a file in HDFS waits half a second for its DataNode: many at once


@dataclass(frozen=True)
class Landed:
    """How one folder went: the manifest, and the names that are new, replaced, and were there already."""

    manifest: Manifest
    new: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: int = 0


class Landing:
    """One raw folder and the inbox folder that feeds it."""

    def __init__(self, hdfs: Hdfs, kind: str, day: date, settings: Settings, say: Callable[[str], None]) -> None:
        self.hdfs, self.kind, self.day, self.settings, self.say = hdfs, kind, day, settings, say
        self.folder = raw_folder(settings, kind, day)
        self.aside = f"{settings['hdfs.raw']}/.replaced/{kind}/{day}"

    def ingest(self, *, replace_changed: bool = False) -> Landed:
        """Lands what has arrived and is complete.

        NoInput without an inbox folder and a landed one; BadData for a misnamed file or a wrong checksum; NotAllowed for
        a changed file without `replace_changed`; TryAgain, once the complete ones have landed, while others still arrive.
        """
        inbox = inbox_folder(self.settings, self.kind, self.day)
        found = arrivals(inbox, self.settings["inbox.settle_seconds"], wait=False)
        if found and found.arriving:
            self.say(f"  {self.kind}: waiting for {found.arriving[0]} and {len(found.arriving) - 1} more to arrive")
            found = arrivals(inbox, self.settings["inbox.settle_seconds"])
        if found is None:
            return self._already_landed(str(inbox))
        landed = self._land(found, replace_changed)
        if found.arriving:
            raise TryAgain(
                f"{len(found.arriving)} files of {self.kind} {self.day} are still arriving, the first is {found.arriving[0]!r}; "
                f"the {len(found.complete)} complete ones have landed",
                where=str(inbox),
                next=f"./submit.sh ingest {self.day}",
            )
        return landed

    def is_in_hdfs(self) -> bool:
        """Whether HDFS has a folder of the date."""
        return self.hdfs.exists(self.folder)

    def is_absent(self) -> bool:
        """Whether neither the inbox nor HDFS has a folder of the date."""
        return not inbox_folder(self.settings, self.kind, self.day).exists() and not self.is_in_hdfs()

    def adopt(self, *, replace_changed: bool = False) -> Landed:
        """Makes the manifest of what someone put into the raw folder by hand; waits for no upload."""
        old = {f.name: f for f in self._listed()}
        self._sweep()
        names = [e.name for e in self.hdfs.list(self.folder) if e.name != MANIFEST]
        for name in names:
            if name.endswith(COPYING):
                raise TryAgain(f"an upload is still in flight: {name!r}", where=self.folder)
            if not is_safe_name(name):
                raise BadData(f"{name!r} is no name of a raw file", where=self.folder, next="rename or remove it")
            check_format(self.kind, name, self.folder)
        files = self._parallel(names, self._describe_landed)
        changed = [f.name for f in files if f.name in old and old[f.name] != f] + sorted(set(old) - set(names))
        if changed and not replace_changed:
            raise NotAllowed(
                f"{changed[0]} is not what was landed",
                where=self.folder,
                next=f"./submit.sh ingest {self.day} --adopt --kind {self.kind} --replace",
            )
        manifest = self._publish(files)
        new = tuple(name for name in names if name not in old)
        return Landed(manifest, new, tuple(changed), len(names) - len(new) - len(set(changed) & set(names)))

    def withdraw(self, names: Sequence[str]) -> Landed:
        """Takes landed files that should never have been sent out of the date; they are kept aside.

        NoInput for a name that is not listed; NotAllowed while the inbox has it, since the next `ingest` would land it again.
        """
        inbox = inbox_folder(self.settings, self.kind, self.day)
        listed = {f.name: f for f in self._listed()}
        for name in names:
            if name not in listed:
                raise NoInput(
                    f"{name!r} has not landed as {self.kind}",
                    where=self.folder,
                    next=f"./submit.sh ingest {self.day} --withdraw NAME --kind KIND",
                )
            if (inbox / name).exists():
                raise NotAllowed(
                    f"{name} lies in the inbox still, and would land again",
                    where=str(inbox),
                    next=f"remove it there, then ./submit.sh ingest {self.day} --withdraw {name} --kind {self.kind}",
                )
        for name in names:
            self._set_aside(listed[name])
            self.hdfs.delete(f"{self.folder}/{name}")
        manifest = self._publish([file for file in listed.values() if file.name not in names])
        return Landed(manifest, replaced=tuple(names), unchanged=len(manifest.files))

    def _already_landed(self, inbox: str) -> Landed:
        if not self.hdfs.exists(f"{self.folder}/{MANIFEST}"):
            hint = f"put files into {inbox}, or make some: ./submit.sh retailer {self.day}"
            if self.hdfs.exists(self.folder):
                hint = f"./submit.sh ingest {self.day} --adopt --kind {self.kind}"
            raise NoInput(f"nothing was sent: there is no {inbox}", where=self.folder, next=hint)
        manifest = read_manifest(self.hdfs, self.kind, self.day, self.settings)
        return Landed(manifest, unchanged=len(manifest.files))

    def _land(self, found: Arrivals, replace_changed: bool) -> Landed:
        for name in found.complete:
            check_format(self.kind, name, str(found.folder))
        self._sweep()
        listed = {f.name: f for f in self._listed()}
        there = self._present(set(found.complete), listed)
        sha256 = dict(zip(found.complete, self._parallel(list(found.complete), found.sha256), strict=True))
        new = [name for name in found.complete if name not in there and name not in listed]
        changed = [n for n in found.complete if n not in new and (n not in there or there[n].sha256 != sha256[n])]
        if changed and not replace_changed:
            raise NotAllowed(
                f"{len(changed)} files of {self.kind} {self.day} have landed with other content, the first is {changed[0]}",
                where=self.folder,
                next=f"./submit.sh ingest {self.day} --replace   (keeps the old ones in {self.aside})",
            )
        self.hdfs.mkdirs(self.folder)
        large = [n for n in (*new, *changed) if found.size(n) > _SMALL]
        small = [n for n in (*new, *changed) if n not in set(large)]
        uploads = self._parallel(large, lambda name: self._upload(found, name))
        uploads += self._parallel(small, lambda name: self._upload(found, name), _SMALL_AT_ONCE)
        for done in uploads:
            self._place(done, listed.get(done.file.name) or there.get(done.file.name))
        barrier("landed_before_manifest")
        kept = {name: file for name, file in {**listed, **there}.items() if name not in changed}
        manifest = self._publish([*kept.values(), *(done.file for done in uploads)])
        return Landed(manifest, tuple(new), tuple(changed), len(kept))

    def _present(self, sent: set[str], listed: dict[str, RawFile]) -> dict[str, RawFile]:
        """What lies in the folder, described: as listed, or read where a killed run left it unlisted; else it is foreign."""
        if not self.hdfs.exists(self.folder):
            return {}
        there = {}
        for entry in self.hdfs.list(self.folder):
            if entry.name == MANIFEST or entry.name.endswith(COPYING):
                continue
            file = listed.get(entry.name)
            if file is None and entry.name not in sent:
                raise BadData(
                    f"a foreign file lies in the partition: {entry.name!r}",
                    where=self.folder,
                    next=f"remove it, or list it with ./submit.sh ingest {self.day} --adopt --kind {self.kind}",
                )
            there[entry.name] = file if file and file.size == entry.size else self._describe_landed(entry.name)
        return there

    def _upload(self, found: Arrivals, name: str) -> Uploaded:
        with found.open(name) as file:
            size = piece_bytes(self.settings)
            done = upload(self.hdfs, temporary(self.folder, name), name, lambda: blocks_of(file), size)
        try:
            found.verify(name, done.file.sha256)
        except BadData:
            self.hdfs.delete(done.path)
            raise
        return done

    def _place(self, done: Uploaded, old: RawFile | None) -> None:
        """Renames an upload to its name; an old version goes aside, once, under its checksum."""
        if old:
            self._set_aside(old)
        self.hdfs.rename(done.path, f"{self.folder}/{done.file.name}", overwrite=old is not None)

    def _set_aside(self, old: RawFile) -> None:
        target, kept = f"{self.folder}/{old.name}", f"{self.aside}/{old.name}.{old.sha256[:8]}"
        if self.hdfs.exists(target):
            self.hdfs.mkdirs(self.aside)
            if not self.hdfs.exists(kept):
                self.hdfs.rename(target, kept)

    def _publish(self, files: list[RawFile]) -> Manifest:
        old = find_manifest(self.hdfs, self.folder)
        wanted = Manifest(self.kind, self.day, tuple(sorted(files, key=lambda f: f.name)))
        if old is not None:
            wanted = replace(wanted, accept_short=old.accept_short and old.files == wanted.files)
        if old != wanted:
            write_manifest(self.hdfs, self.folder, wanted)
        return wanted

    def _listed(self) -> tuple[RawFile, ...]:
        manifest = find_manifest(self.hdfs, self.folder)
        return manifest.files if manifest else ()

    def _sweep(self) -> None:
        """Removes what a killed ingest of this date left; the date's lock says that it is no longer at work."""
        if self.hdfs.exists(self.folder):
            for entry in self.hdfs.list(self.folder):
                if entry.name.startswith(".") and entry.name.endswith(COPYING):
                    self.hdfs.delete(entry.path)

    def _describe_landed(self, name: str) -> RawFile:
        return describe(name, self.hdfs.open(f"{self.folder}/{name}"), piece_bytes(self.settings))

    @staticmethod
    def _parallel(names: list[str], work: Callable[[str], T], at_once: int = _LARGE_AT_ONCE) -> list[T]:
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(work, names))
