"""Counts a raw file, and what they must obey: nothing is lost, and not too much is rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from common.errors import BadData
from common.terminal import printable

_NUMBERS = ("read", "accepted", "rejected", "set_aside", "duplicates", "suspect", "lines", "blank", "proven", "judged")

_MOST_NAMES, _NAME_CHARACTERS = 50, 100


@dataclass
class Counts:
    """What became of one raw file, or of a part of it, in order lines (stock rows).

    read       all of them; a record that can't be read, or an order without lines, is one
    suspect    accepted ones that still wait for the search of duplicates; 0 in the end
    lines      raw lines, without a CSV header: `proven` ones went the fast way, `judged` ones through the judge, `blank`
               ones held nothing
    reasons    how often each reason was given
    extra      fields that nobody asked for, the first few by name (`note_extra`)
    shows_utf8 a line beyond ASCII is UTF-8
    damaged    first line that is not UTF-8; 0 is none
    snapshots  of stock: rows of each warehouse and the sum of their hashes; equal sums mean equal rows, in any order
    kept       of stock: accepted rows of each warehouse, a row that was sent twice once
    """

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    set_aside: int = 0
    duplicates: int = 0
    suspect: int = 0
    lines: int = 0
    blank: int = 0
    proven: int = 0
    judged: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    extra: set[str] = field(default_factory=set)
    shows_utf8: bool = False
    damaged: int = 0
    snapshots: dict[str, tuple[int, int]] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)

    def add(self, action: str, reasons: list[str]) -> None:
        """One rejected or set-aside row, just read."""
        self.read += 1
        if action == "set_aside":
            self.set_aside += 1
        else:
            self.rejected += 1
        self.reasons.update(reasons)

    def note_extra(self, names: Iterable[str]) -> None:
        """Fields that nobody asked for. They are the sender's: few and short ones are kept, fit for messages and the ledger."""
        if names := set(names):
            found = self.extra | {printable(name[:_NAME_CHARACTERS]) for name in names}
            self.extra = set(sorted(found)[:_MOST_NAMES])  # the same ones in whatever order the parts are merged

    def merge(self, other: Counts) -> None:
        """Adds the counts of another part of the file."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons += other.reasons
        self.kept += other.kept
        self.note_extra(other.extra)
        self.shows_utf8 |= other.shows_utf8
        self.damaged = min(self.damaged or other.damaged, other.damaged or self.damaged)
        for place, (rows, total) in other.snapshots.items():
            mine = self.snapshots.get(place, (0, 0))
            self.snapshots[place] = (mine[0] + rows, mine[1] + total)


def merged(parts: Sequence[Mapping[str, Counts]]) -> dict[str, Counts]:
    """The counts a file of several parts of the work."""
    total: dict[str, Counts] = {}
    for part in parts:
        for file, counts in part.items():
            total.setdefault(file, Counts()).merge(counts)
    return total


def summed(counts: Mapping[str, Counts]) -> Counts:
    """The counts of the day."""
    total = Counts()
    for one in counts.values():
        total.merge(one)
    return total


def check_conservation(counts: Mapping[str, Counts]) -> None:
    """For every raw file: read = accepted + rejected + set aside + duplicates, and every line went one way."""
    for file, c in counts.items():
        if c.lines != c.proven + c.judged + c.blank:
            raise AssertionError(f"{file}: {c.lines} lines, {c.proven} proven, {c.judged} judged, {c.blank} blank")
        if c.read != c.accepted + c.rejected + c.set_aside + c.duplicates:
            raise AssertionError(
                f"{file}: {c.read} rows were read, {c.accepted} accepted, {c.rejected} rejected, {c.set_aside} set aside,"
                f" {c.duplicates} duplicates: some were lost"
            )


def check_limits(table: str, counts: Mapping[str, Counts], limits: Mapping[str, int], day: str) -> None:
    """BadData when more rows of a file, or of the day, are rejected than the contract allows; returns are not rejected.

    A file of another encoding is told apart from damaged lines: no line beyond ASCII is UTF-8.
    """
    for file, c in sorted(counts.items()):
        if c.reasons["not_utf8"] >= limits["other_encoding_lines"] and not c.shows_utf8:
            raise BadData(
                f"{table}: {file} is not UTF-8: {c.reasons['not_utf8']} lines are beyond ASCII and none of them is",
                where=f"{file} line {c.damaged}, business date {day}",
                next="convert it (iconv -f WINDOWS-1252 -t UTF-8 FILE), then ./submit.sh ingest DATE --replace",
            )
        wholly = c.rejected == c.read >= limits["wholly_rejected_rows"]
        if wholly or _over(c, limits["rejected_percent_file"], limits["rejected_rows"]):
            raise _too_many(table, file, c, f"file limit {limits['rejected_percent_file']} %", day)
    total = summed(counts)
    if _over(total, limits["rejected_percent_day"], limits["rejected_rows"]):
        worst = max(counts, key=lambda f: (counts[f].rejected, f))
        raise _too_many(table, f"the day, most of them in {worst}", total, f"day limit {limits['rejected_percent_day']} %", day)


def _over(c: Counts, percent: int, least: int) -> bool:
    return c.rejected >= least and c.rejected * 100 > percent * c.read


def _too_many(table: str, place: str, c: Counts, limit: str, day: str) -> BadData:
    reasons = ", ".join(f"{n} {reason}" for reason, n in c.reasons.most_common(4))
    return BadData(
        f"{table}: {c.rejected} of {c.read} rows of {place} are rejected ({limit}): {reasons}",
        where=f"{place}, business date {day}",
        next="look at the file and have it sent again, or complete the master data; then run the same command again",
    )
