"""Contracts: declared once, every column described, a mistake is an error with its place."""

import pytest

from common.contracts import all_contracts, parse
from common.errors import Misconfigured

GOOD = """
description: Things
grain: [sku]
owner: spark
columns:
  - {name: sku, type: varchar, description: Stock keeping unit}
  - {name: seen_at, type: timestamp(6), unit: UTC, description: When, nullable: true}
rules:
  - {code: sku_unknown, action: reject, meaning: Nobody knows it}
"""


def test_types_are_spelled_for_trino_and_for_the_metastore():
    contract = parse(GOOD, "staging", "things", "here")
    assert [c.hive_type for c in contract.columns] == ["string", "timestamp"]
    assert contract.columns[1].comment == "When [UTC]"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("grain: [sku]", "grain: [store]"),
        ("type: varchar", "type: float"),
        ("action: reject", "action: ignore"),
        ("owner: spark", "ownr: spark"),
        ("description: Stock keeping unit", "description: ''"),
        ("unit: UTC", "units: UTC"),
        ("name: seen_at", "name: sku"),
        ("description: Things\n", ""),
        ("columns:", "raw: {path: p, formats: [csv], added: [sku]}\ncolumns:"),
    ],
)
def test_a_mistake_is_an_error(old, new):
    assert old in GOOD
    with pytest.raises(Misconfigured):
        parse(GOOD.replace(old, new), "staging", "things", "here")


def test_every_contract_of_the_project_is_sound():
    assert len(all_contracts()) >= 12
