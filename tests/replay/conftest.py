"""What tests of replays share: three nights that depend on each other."""

import json
from types import SimpleNamespace

import pytest

from tests.replay.nights import DIRTY, FIELDS, FIRST, SECOND, THIRD, THREE, first_night, lines_of, receipts_of, send


@pytest.fixture(scope="session")
def clients(settings, postgres):
    """The services."""
    from common.publish.run import Clients

    return Clients(settings)


@pytest.fixture(scope="session")
def nights(submit, settings, clients):
    """All three nights; the third has no receipts."""
    made = submit("generate", f"{FIRST}..{THIRD}", *THREE, "--replace", "--replace-master")
    assert made.returncode == 0, made.stderr
    first = submit("all", FIRST)
    assert first.returncode == 0, first.stderr
    lines = lines_of(settings, FIRST)
    rows, strange, received = receipts_of(lines)
    send(settings, SECOND, "W1.jsonl", "\n".join(map(json.dumps, [*rows, *strange, rows[1]])) + "\nnonsense\n")
    csv = [",".join(FIELDS), *(",".join(str(v).lower() if k == "is_final" else str(v) for k, v in r.items()) for r in rows[:1])]
    send(settings, SECOND, "W2.csv.gz", "\n".join(csv) + "\n")
    both = submit("backfill", f"{SECOND}..{THIRD}")
    assert both.returncode == 0, both.stderr
    return SimpleNamespace(first=first, both=both, lines=lines, received=received)


@pytest.fixture(scope="session")
def dirty(nights, submit, settings):
    """The first night of the date with faults; its order files. After the three: theirs is master data of fewer stores."""
    found = first_night(submit, settings, DIRTY, "7")
    assert len(found) > 5
    return found
