"""Faults that `generate --dirty` plants: one a record, each kind with what must become of it.

A record is one order with its values already as they will be written, so that a fault may be anything at all. The
outcome of each kind is what docs and contracts promise, stated here on its own: tests hold staging against it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

ORDER_FIELDS = ("order_id", "store_id", "ordered_at")
LINE_FIELDS = ("line_no", "sku", "quantity", "unit_price")
STOCK_FIELDS = ("snapshot_date", "warehouse_id", "sku", "available", "reserved", "safety_stock")
LINE_LIMIT = 1 << 20


@dataclass
class Order:
    """One order as texts. `is_json`: how it will be written."""

    head: dict[str, str]
    lines: list[dict[str, str]]
    is_json: bool

    def render(self) -> str:
        """As the generator writes a clean one."""
        if not self.is_json:
            return "".join(self.row(n) for n in range(len(self.lines)))
        elements = ", ".join(_object(line, ("sku",)) for line in self.lines)
        return f'{_object(self.head, ORDER_FIELDS)[:-1]}, "lines": [{elements}]}}\n'

    def row(self, n: int) -> str:
        """One CSV row."""
        return ",".join([*self.head.values(), *self.lines[n].values()]) + "\n"


@dataclass
class Outcome:
    """What becomes of the order lines of a record."""

    accepted: int = 0
    rejected: int = 0
    set_aside: int = 0
    duplicates: int = 0

    def add(self, other: Outcome) -> None:
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def read(self) -> int:
        return sum(vars(self).values())


def _object(fields: dict[str, str], texts: tuple[str, ...]) -> str:
    return "{" + ", ".join(f'"{k}": {json.dumps(v) if k in texts else v}' for k, v in fields.items()) + "}"


Planter = Callable[[Order], tuple[str, Outcome]]


@dataclass(frozen=True)
class Fault:
    """A kind of fault: in which formats it can be, the reason that staging gives, and how it is planted."""

    kind: str
    plant: Planter
    reason: str = ""
    formats: tuple[str, ...] = ("json", "csv")


def _line(name: str, value: str | None, action: str = "rejected") -> Planter:
    """Another value in the first line; None leaves the field out."""

    def plant(order: Order) -> tuple[str, Outcome]:
        _set(order, order.lines[0], name, value)
        return order.render(), _of(len(order.lines), 1, action)

    return plant


def _head(name: str, value: str | None) -> Planter:
    """Another value for the whole order: in CSV only its first row says so."""

    def plant(order: Order) -> tuple[str, Outcome]:
        if order.is_json:
            _set(order, order.head, name, value)
            return order.render(), Outcome(rejected=len(order.lines))
        rest = "".join(order.row(n) for n in range(1, len(order.lines)))
        _set(order, order.head, name, value)
        return order.row(0) + rest, _of(len(order.lines), 1, "rejected")

    return plant


def _set(order: Order, fields: dict[str, str], name: str, value: str | None) -> None:
    if value is not None:
        fields[name] = value
    elif order.is_json:
        del fields[name]
    else:
        fields[name] = ""


def _of(lines: int, touched: int, action: str) -> Outcome:
    outcome = Outcome(accepted=lines)
    if action != "accepted":
        outcome.accepted -= touched
        setattr(outcome, action, touched)
    return outcome


def _not_json(name: str, value: str) -> Planter:
    """A value that JSON does not have: the whole record can't be read. In CSV only the row is bad."""

    def plant(order: Order) -> tuple[str, Outcome]:
        order.lines[0][name] = value
        lines = len(order.lines)
        return order.render(), Outcome(rejected=1) if order.is_json else _of(lines, 1, "rejected")

    return plant


def _record(change: Callable[[str], str]) -> Planter:
    """A JSON record that can't be read, or has no lines: it counts as one line."""
    return lambda order: (change(order.render().rstrip("\n")) + "\n", Outcome(rejected=1))


def _row(change: Callable[[str], str]) -> Planter:
    """A CSV row that can't be read."""

    def plant(order: Order) -> tuple[str, Outcome]:
        rest = "".join(order.row(n) for n in range(1, len(order.lines)))
        return change(order.row(0).rstrip("\n")) + "\n" + rest, _of(len(order.lines), 1, "rejected")

    return plant


def _harmless(change: Callable[[str], str]) -> Planter:
    return lambda order: (change(order.render()), Outcome(accepted=len(order.lines)))


def _identical(order: Order) -> tuple[str, Outcome]:
    text, lines = order.render(), len(order.lines)
    return text + (text if order.is_json else order.row(0)), Outcome(accepted=lines, duplicates=lines if order.is_json else 1)


def _conflicting(order: Order) -> tuple[str, Outcome]:
    text, first = order.render(), dict(order.lines[0])
    first["quantity"] = str(int(first["quantity"]) + 1)
    again = Order(order.head, [first], order.is_json)
    return text + again.render(), Outcome(accepted=len(order.lines) - 1, rejected=2)


def _cut(text: str) -> str:
    return text[: len(text) // 2]


JSON, CSV = ("json",), ("csv",)
FAULTS = (
    Fault("malformed_json", _record(_cut), "malformed_json", JSON),
    Fault("null_record", _record(lambda text: "null"), "not_an_object", JSON),
    Fault("empty_object", _record(lambda text: "{}"), "lines_missing", JSON),
    Fault("not_an_object", _record(lambda text: f"[{text}]"), "not_an_object", JSON),
    Fault("no_lines", _record(lambda text: text[: text.index('"lines": [')] + '"lines": []}'), "lines_missing", JSON),
    Fault("duplicate_key", _record(lambda text: text.replace("{", '{"store_id": "twice", ', 1)), "duplicate_key", JSON),
    Fault("too_few_fields", _row(lambda text: text.rpartition(",")[0]), "wrong_number_of_fields", CSV),
    Fault("too_many_fields", _row(lambda text: text + ",7"), "wrong_number_of_fields", CSV),
    Fault("order_id_missing", _head("order_id", None), "order_id_missing"),
    Fault("ordered_at_missing", _head("ordered_at", None), "ordered_at_missing"),
    Fault("sku_missing", _line("sku", None), "sku_missing"),
    Fault("quantity_missing", _line("quantity", None), "quantity_missing"),
    Fault("extra_field", _harmless(lambda text: text.replace("{", '{"till": 3, ', 1)), "", JSON),
    Fault("number_as_text", _line("quantity", '"12"', "accepted"), "", JSON),
    Fault("number_as_text_inexact", _line("quantity", '"1.5"'), "quantity_invalid", JSON),
    Fault("quantity_zero", _line("quantity", "0"), "quantity_zero"),
    Fault("quantity_nan", _not_json("quantity", "NaN")),
    Fault("quantity_infinity", _not_json("quantity", "Infinity")),
    Fault("quantity_overflow", _line("quantity", "99999999999"), "quantity_invalid"),
    Fault("quantity_fraction", _line("quantity", "1.5"), "quantity_invalid"),
    Fault("price_decimals", _line("unit_price", "1.005"), "unit_price_invalid"),
    Fault("price_overflow", _line("unit_price", "12345678901.00"), "unit_price_invalid"),
    Fault("line_no_zero", _line("line_no", "0"), "line_no_invalid"),
    Fault("return", _line("quantity", "-3", "set_aside"), "quantity_negative"),
    Fault("duplicate_identical", _identical),
    Fault("duplicate_conflicting", _conflicting, "conflicting_duplicate"),
    Fault("sku_unknown", _line("sku", "NO-SUCH-SKU"), "sku_unknown"),
    Fault("store_unknown", _head("store_id", "NO-SUCH-STORE"), "store_id_unknown"),
    Fault("other_business_date", _head("ordered_at", "2001-01-01T12:00:00"), "other_business_date"),
    Fault("impossible_date", _head("ordered_at", "2001-02-30T12:00:00"), "ordered_at_invalid"),
    Fault("ambiguous_date", _head("ordered_at", "03/04/2001 12:00"), "ordered_at_invalid"),
    Fault("date_without_time", _head("ordered_at", "2001-01-01"), "ordered_at_invalid"),
    # what lenient readers take
    Fault("trailing_comma", _record(lambda text: text.replace("}]", "},]")), "malformed_json", JSON),
    Fault("quantity_hexadecimal", _not_json("quantity", "0x1")),
    Fault("quantity_underscore", _not_json("quantity", "1_0")),
    Fault("quantity_plus", _not_json("quantity", "+1")),
    Fault("price_past_a_float", _line("unit_price", "5.7100000000000000001"), "unit_price_invalid"),
    Fault("lone_surrogate", _line("sku", "\ud800"), "sku_invalid", JSON),
    Fault("escaped_text", _harmless(lambda text: text.replace('"store_id": "G', '"store_id": "\\u0047')), "", JSON),
    Fault("blank_line", _harmless(lambda text: "\n" + text)),
    # once a day is enough of a megabyte
    Fault("line_too_long", _record(lambda text: text + " " * LINE_LIMIT), "line_too_long", JSON),
)
ONCE = ("line_too_long",)


@dataclass
class Truth:
    """What was planted and what must become of it; of one file, or summed over all."""

    planted: dict[str, int] = field(default_factory=dict)
    lines: Outcome = field(default_factory=Outcome)

    def note(self, kind: str, outcome: Outcome) -> None:
        self.planted[kind] = self.planted.get(kind, 0) + 1
        self.lines.add(outcome)

    def add(self, other: Truth) -> None:
        for kind, n in other.planted.items():
            self.planted[kind] = self.planted.get(kind, 0) + n
        self.lines.add(other.lines)

    def as_json(self) -> dict[str, object]:
        return {"read": self.lines.read, **vars(self.lines), "planted": dict(sorted(self.planted.items()))}


def kinds_for(fmt: str) -> tuple[Fault, ...]:
    """The faults that a file of this format can have, in the order in which they are planted."""
    return tuple(f for f in FAULTS if fmt in f.formats and f.kind not in ONCE)


def fault(kind: str) -> Fault:
    """The fault of that name."""
    return next(f for f in FAULTS if f.kind == kind)
