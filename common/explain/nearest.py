"""What somebody may have meant: the nearest SKUs by their letters, products by words of their name, and planned dates."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

_WORD = re.compile(r"\w+")


def nearest_dates(day: date, known: Iterable[date], count: int = 4) -> list[date]:
    """The dates nearest to a day, in order."""
    return sorted(sorted(known, key=lambda on: (abs(on - day), on))[:count])


def nearest_skus(typed: str, rows: Sequence[Mapping[str, Any]], count: int = 10) -> list[Mapping[str, Any]]:
    """Rows (sku, product_name, order_qty, requirement_qty) that `typed` may mean, the likeliest first.

    By SKU: those that begin so, then one or two letters missing, added, changed or swapped. By name: every word typed
    begins a word of it, or where no product has them all, as many as can be; a word that begins none counts as the most
    similar one.
    """
    by_name = _by_name(typed, rows)
    by_sku = _by_sku(typed, {row["sku"]: row for row in rows})
    # what is typed in letters is a name; a number may be either
    return (by_sku + by_name if re.search(r"\d", typed) else by_name + by_sku)[:count]


def _by_sku(typed: str, by_sku: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    letters = sorted({letter for sku in by_sku for letter in sku})
    begin = sorted(sku for sku in by_sku if len(typed) > 3 and sku.startswith(typed))[:5]
    near = _edits(typed, letters) if len(typed) * len(letters) < 1000 else set()
    found = list(dict.fromkeys(begin + sorted(near & by_sku.keys())))
    if len(found) < 5 and len(typed) > 3:
        twice = {word for once in near for word in _edits(once, letters)}
        found += sorted(twice & by_sku.keys() - set(found))[: 5 - len(found)]
    return [by_sku[sku] for sku in found]


def _edits(word: str, letters: Iterable[str]) -> set[str]:
    """Every text that is one letter more, less, other or swapped away."""
    cuts = [(word[:n], word[n:]) for n in range(len(word) + 1)]
    made = {a + b[1:] for a, b in cuts if b} | {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    for letter in letters:
        made |= {a + letter + b for a, b in cuts} | {a + letter + b[1:] for a, b in cuts if b}
    return made


def _by_name(typed: str, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    words = _words(typed)
    if not any(re.search(r"[^\W\d]", word) for word in words):
        return []
    names = {name: _words(name) for name in {row["product_name"] or "" for row in rows}}
    vocabulary = {word for name in names.values() for word in name}
    for number, word in enumerate(words):
        if not any(known.startswith(word) for known in vocabulary):
            words[number] = next(iter(difflib.get_close_matches(word, vocabulary, n=1, cutoff=0.7)), word)
    has = {name: sum(any(w.startswith(word) for w in parts) for word in words) for name, parts in names.items()}
    most = max(has.values(), default=0)
    found = [row for row in rows if most and has[row["product_name"] or ""] == most]
    return sorted(found, key=lambda row: _likelihood(words, names[row["product_name"] or ""], row))


def _likelihood(words: list[str], name: list[str], row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What was ordered or asked for that day comes first, then names that have the words whole and little else."""
    whole = sum(word in name for word in words)
    return (not row["order_qty"], not row["requirement_qty"], -whole, -(row["requirement_qty"] or 0), len(name), row["sku"])


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
