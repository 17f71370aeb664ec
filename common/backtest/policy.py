"""What a backtest compares: policies (settings of the night), each with several shares of the safety stock.

A policy file is YAML: `name`, and `settings` as in conf/settings.yml, such as `planning.policy: order_up_to`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

import yaml

from common.errors import Misconfigured, NoInput, Usage
from common.settings import Settings, load_settings

PAST_DAYS = 28
"""Days of demand, stock and open orders that the loop keeps for a policy to look at."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")


@dataclass(frozen=True)
class Policy:
    """A name and the settings (`key=value`) that make the night decide so."""

    name: str
    overrides: tuple[str, ...] = ()
    settings: Settings = field(default_factory=load_settings, compare=False, repr=False)

    @property
    def is_order_up_to(self) -> bool:
        """Whether the need is that of order_up_to: coverage up to the next delivery, less what is under way."""
        return bool(self.settings["planning.policy"] == "order_up_to")

    @property
    def reads_history(self) -> bool:
        """Whether it looks at more than the day: earlier demand, earlier stock and open orders."""
        return self.is_order_up_to or bool(self.settings["planning.hold_on_spike"]) or self.adds_lines

    @property
    def adds_lines(self) -> bool:
        """Whether it may order a SKU that has no need of its own."""
        return bool(self.settings["planning.supplier_minimum"] == "fill")


def policy(name: str, overrides: list[str]) -> Policy:
    """A policy of settings; an unknown key or a wrong value is Misconfigured, a window that the loop does not keep Usage."""
    if not _NAME.fullmatch(name):
        raise Usage(f"{name!r} is no name of a policy", next="small letters, digits, - _ . and at most 40 of them")
    settings = load_settings(overrides)
    if settings["planning.history_days"] != PAST_DAYS:
        what = f"{name}: a backtest keeps {PAST_DAYS} days, planning.history_days is {settings['planning.history_days']}"
        raise Usage(what, next=f"--set planning.history_days={PAST_DAYS}")
    return Policy(name, tuple(overrides), settings)


def policy_file(file: str, overrides: list[str]) -> Policy:
    """The policy in a YAML file; `overrides` of the command line win."""
    try:
        tree = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise NoInput(f"the policy can't be read: {error.strerror}", where=file) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Misconfigured("the policy is not YAML", where=f"{file}: {error}") from None
    if not isinstance(tree, dict) or set(tree) - {"name", "settings"} or not isinstance(tree.get("settings") or {}, dict):
        raise Misconfigured("a policy has a name and settings, nothing else", where=file)
    chosen = [f"{key}={_text(value)}" for key, value in (tree.get("settings") or {}).items()]
    return policy(str(tree.get("name") or Path(file).stem), chosen + overrides)


def shares(text: str) -> list[int]:
    """Shares of the safety stock in percent, from a text such as `0.5,1,2`."""
    found = []
    for part in text.split(","):
        try:
            percent = Decimal(part.strip()) * 100
        except InvalidOperation:
            raise Usage(f"{part!r} is no share of the safety stock", next="--safety-stock 0.5,1,2") from None
        if not percent.is_finite() or percent != int(percent) or not 0 <= percent <= 10000:
            raise Usage(f"{part!r}: a share has two decimals and is from 0 to 100", next="--safety-stock 0.5,1,2")
        found.append(int(percent))
    return sorted(set(found))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
