"""The grammar of `--set`: small, and whatever is not in it is refused with the place.

    change     := field operation [ "where" condition { "and" condition } ]  |  setting "=" value
    operation  := ( "=" | "*" | "+" | "-" ) number                             for quantities, costs and days
                | "=" value                                                    for the other fields
    condition  := column ( "=" | "!=" ) value  |  column [ "not" ] "in" "(" value { "," value } ")"
    value      := word | number | 'text in quotes, a quote doubled'
    word       := letters, digits, _ - . / :    number := digits [ "." digits ]
    setting    := a dotted name of conf/settings.yml under planning.

Fields and their columns are the closed lists of common/what_if/fields.py. Nothing of the text is ever part of a statement:
names are looked up, numbers become decimals, values become literals.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from common.errors import Usage

LONGEST = 100_000  # characters of one change: a list of some thousand SKUs
_DIGITS, _DECIMALS = 18, 6
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<quoted>'(?:[^']|'')*')|(?P<word>\w(?:[\w./:-]*\w)?)|(?P<sign>!=|[=*+(),-])", re.UNICODE
)  # fmt: skip
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_SETTING = re.compile(r"[a-z_]+(\.[a-z_]+)+", re.ASCII)
_NAME = re.compile(r"[a-z_]+", re.ASCII)
_GLUED = re.compile(r"([a-z_]+)-([0-9]+(?:\.[0-9]+)?)", re.ASCII)
_HELP = "./submit.sh what-if --help, or docs/what-if.md"
OPERATIONS = ("=", "*", "+", "-")


@dataclass(frozen=True)
class Condition:
    """One condition on a column: it is one of the values, or (`is_negated`) none of them."""

    column: str
    values: tuple[str, ...]
    is_negated: bool = False


@dataclass(frozen=True)
class Change:
    """What a text asks for.

    text        as it was typed
    name        a field, or (with a dot) a setting
    operation   one of OPERATIONS
    value       as it was typed, without quotes
    conditions  all of them must hold; none is every row
    """

    text: str
    name: str
    operation: str
    value: str
    conditions: tuple[Condition, ...] = ()

    @property
    def is_setting(self) -> bool:
        """Whether it sets a setting."""
        return "." in self.name

    @property
    def number(self) -> Decimal:
        """The value as a number; Usage where it is none, or too long to be meant."""
        if not _NUMBER.fullmatch(self.value):
            raise refused(self.text, f"{self.value!r} is not a number such as 24 or 1.2")
        whole, _, decimals = self.value.partition(".")
        if len(whole) > _DIGITS or len(decimals) > _DECIMALS:
            raise refused(self.text, f"{self.value} has more than {_DIGITS} digits or {_DECIMALS} decimals")
        return Decimal(self.value)


def refused(text: str, why: str, at: int | None = None) -> Usage:
    """The refusal of a change, with the place in it."""
    shown = text if len(text) <= 200 else text[:197] + "..."
    where = f"{shown!r}" if at is None else f"{shown!r}, character {at + 1}"
    return Usage(f"not a change that what-if knows: {why}", where=where, next=_HELP)


def parse(text: str) -> Change:
    """The change that a text spells, or Usage with what is wrong and where."""
    if len(text) > LONGEST:
        raise refused(text, f"longer than {LONGEST:,} characters")
    return _Parser(text).change()


@dataclass(frozen=True)
class _Token:
    kind: str  # quoted, word, sign or end
    text: str
    at: int


class _Parser:
    """Reads one change from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.next = text, _tokens(text), 0

    def change(self) -> Change:
        name = self.take("word", "the name of a field")
        if not (_NAME.fullmatch(name.text) or _SETTING.fullmatch(name.text)):
            raise self.wrong(name, "the name of a field or a setting")
        operation = self.take_sign(OPERATIONS)
        value = self.value()
        conditions = []
        if self.is_word("where"):
            self.next += 1
            conditions.append(self.condition())
            while self.is_word("and"):
                self.next += 1
                conditions.append(self.condition())
        if self.tokens[self.next].kind != "end":
            raise self.wrong(self.tokens[self.next], "`where`, `and` or the end")
        return Change(self.text, name.text, operation, value, tuple(conditions))

    def condition(self) -> Condition:
        column = self.take("word", "the name of a column")
        if not _NAME.fullmatch(column.text):
            raise self.wrong(column, "the name of a column")
        is_negated = self.is_word("not")
        if is_negated:
            self.next += 1
        if not self.is_word("in"):
            if is_negated:
                raise self.wrong(self.tokens[self.next], "`in`")
            sign = self.take_sign(("=", "!="))
            return Condition(column.text, (self.value(),), sign == "!=")
        self.next += 1
        self.take_sign(("(",))
        values = [self.value()]
        while self.take_sign((",", ")")) == ",":
            values.append(self.value())
        return Condition(column.text, tuple(dict.fromkeys(values)), is_negated)

    def value(self) -> str:
        token = self.tokens[self.next]
        if token.kind not in ("word", "quoted"):
            raise self.wrong(token, "a value")
        self.next += 1
        return token.text[1:-1].replace("''", "'") if token.kind == "quoted" else token.text

    def take(self, kind: str, meant: str) -> _Token:
        token = self.tokens[self.next]
        if token.kind != kind:
            raise self.wrong(token, meant)
        self.next += 1
        return token

    def take_sign(self, signs: Collection[str]) -> str:
        token = self.tokens[self.next]
        if token.kind != "sign" or token.text not in signs:
            raise self.wrong(token, " or ".join(f"`{sign}`" for sign in signs))
        self.next += 1
        return token.text

    def is_word(self, word: str) -> bool:
        token = self.tokens[self.next]
        return token.kind == "word" and token.text.lower() == word

    def wrong(self, token: _Token, meant: str) -> Usage:
        found = "the end" if token.kind == "end" else repr(token.text[:60])
        return refused(self.text, f"{meant} is expected, not {found}", token.at)


def _tokens(text: str) -> list[_Token]:
    """The words, quoted texts and signs of a text, then its end. `demand-5` is a field, a sign and a number."""
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            why = "a quote is opened and not closed" if text[at] == "'" else f"{text[at]!r} has no meaning here"
            raise refused(text, why, at)
        kind, piece = match.lastgroup or "", match[0]
        glued = _GLUED.fullmatch(piece) if kind == "word" and not found else None
        if glued:
            number = at + glued.start(2)
            found += [_Token("word", glued[1], at), _Token("sign", "-", number - 1), _Token("word", glued[2], number)]
        elif kind != "space":
            found.append(_Token(kind, piece, at))
        at = match.end()
    return [*found, _Token("end", "", len(text))]
