"""Published cases of other systems, published/*.yml: each a small world that runs through the very models.

Where their answer is another than ours, the case says why (`differs`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from planning_cases import Case, frame, place
from planning_world import World, plan

FILES = sorted((Path(__file__).parent / "published").glob("*.yml"))
USUAL = {"need": 10, "moq": 1, "pack": 1}


def published():
    """(file, theirs, differs, case) of every case of every file."""
    found = []
    for file in FILES:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert tree["source"] and tree["url"].startswith("http")
        for entry in tree["cases"]:
            entry.pop("why", None)
            name, expect, theirs, differs = (entry.pop(k, None) for k in ("name", "expect", "theirs", "differs"))
            given = ({} if "demand" in entry else USUAL) | entry
            expect = expect if isinstance(expect, dict) else {"order_qty": expect}
            found.append((file.stem, theirs, differs, Case(f"p{len(found):03}", name, given, expect, None, None)))
    return found


CASES = published()


@pytest.fixture(scope="module")
def rows(trino):
    world = frame(World())
    for *_, case in CASES:
        place(world, case)
    return {row["sku"]: row for row in plan(trino, world, "order_decisions")["order_decisions"]}


@pytest.mark.parametrize(
    ("theirs", "differs", "case"), [pytest.param(*rest, id=f"{file} {rest[2].name}") for file, *rest in CASES]
)
def test_published(rows, theirs, differs, case):
    row = rows[case.sku]
    assert {name: row[name] for name in case.expect} == case.expect
    assert (row["order_qty"] != theirs) == bool(differs), "a case says why ours is another, and only then"
