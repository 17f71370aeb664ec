"""The warehouse of a backtest: whole units of every SKU on hand, on order and owed to customers; nothing is lost or made.

One row of numbers for all SKUs of all scenarios side by side. Each change also goes into running totals of its own, and
`check` compares both for each SKU, so that an error in one update can't hide.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from common.errors import Failure


@dataclass
class Stock:
    """State of all SKUs; int64 everywhere. `arrivals` maps a day (ordinal) to the units that come in the morning of it."""

    on_hand: np.ndarray
    unmet: str = "lost"
    owed: np.ndarray = field(init=False)
    on_order: np.ndarray = field(init=False)
    arrivals: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size = len(self.on_hand)
        self.on_hand = self.on_hand.astype(np.int64)
        self.owed, self.on_order = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._opening = self.on_hand.copy()
        self._ordered, self._received, self._shipped = (np.zeros(size, np.int64) for _ in range(3))
        self._asked, self._lost = np.zeros(size, np.int64), np.zeros(size, np.int64)

    def receive(self, day: int) -> np.ndarray:
        """Takes in what is due on the day; units by SKU."""
        units = self.arrivals.pop(day, None)
        if units is None:
            return np.zeros_like(self.on_hand)
        self.on_hand += units
        self.on_order -= units
        self._received += units
        return units

    def order(self, day: int, at: np.ndarray, units: np.ndarray, due: np.ndarray) -> None:
        """Puts orders of a day under way: SKUs, units, and the day each is due.

        What would be due on the day itself comes the next morning: it is ordered after the day's cut-off.
        """
        np.add.at(self.on_order, at, units)
        np.add.at(self._ordered, at, units)
        coming = np.maximum(due, day + 1)
        for morning in np.unique(coming):
            chosen = coming == morning
            np.add.at(self.arrivals.setdefault(int(morning), np.zeros_like(self.on_hand)), at[chosen], units[chosen])

    def ship(self, demand: np.ndarray) -> np.ndarray:
        """Ships what is owed, then the day's demand; what is short is lost, or owed. Units of the demand met at once."""
        before = np.minimum(self.on_hand, self.owed)
        met = np.minimum(self.on_hand - before, demand)
        self.on_hand -= before + met
        self.owed -= before
        self._shipped += before + met
        self._asked += demand
        if self.unmet == "lost":
            self._lost += demand - met
        else:
            self.owed += demand - met
        return met

    def check(self, names: list[str]) -> None:
        """Every unit is accounted for, for each SKU; `names` are theirs. A difference is a bug of ours: exit code 70."""
        under_way = sum(self.arrivals.values(), np.zeros_like(self.on_hand))
        books = {
            "on hand": self._opening + self._received - self._shipped - self.on_hand,
            "on order": self._ordered - self._received - self.on_order,
            "under way": self.on_order - under_way,
            "demand": self._asked - self._shipped - self._lost - self.owed,
        }
        for what, difference in books.items():
            if len(wrong := np.flatnonzero(difference)):
                raise Failure(f"units are not conserved: {what} of {names[wrong[0]]} is off by {difference[wrong[0]]}")
        for what, units in (("on hand", self.on_hand), ("on order", self.on_order), ("owed", self.owed)):
            if len(wrong := np.flatnonzero(units < 0)):
                raise Failure(f"units are not conserved: {what} of {names[wrong[0]]} is {units[wrong[0]]}")
