"""A Trino client that reads all the while sees the old rows or the new rows of each table, through 20 publications or more
(the metastore calls with which the engine flips a night's tables, one after the other)."""

import threading
import time
from argparse import Namespace
from datetime import date

import pytest

from common.contracts import all_contracts
from common.publish.flip import point
from common.publish.run import Run
from tests.replay.nights import DIRTY, FIRST

pytestmark = pytest.mark.master_data

DAY = date.fromisoformat(DIRTY)
ABSENT = ("staging.receipts", "planning.open_orders")  # not both nights have them
TABLES = tuple(c.name for c in all_contracts() if c.schema != "audit" and c.name not in ABSENT)
PUBLICATIONS, MOST = 20, 80  # more than so many only until the reader has met both contents of every table
PAUSE_SECONDS = 0.4  # the reader, which goes round the tables, gets on meanwhile


@pytest.fixture
def contents(nights, dirty, metastore):
    """Two contents of every table: the directories of two real nights. Afterwards the date has its own again."""
    own = {table: metastore.partition(table, DAY) for table in TABLES}
    other = {table: metastore.partition(table, date.fromisoformat(FIRST)) for table in TABLES}
    yield [{table: partition.location for table, partition in found.items()} for found in (own, other)]
    for table, partition in own.items():
        metastore.point(table, DAY, partition.location, partition.parameters)


def answer(trino, table):
    """Count and checksum of a table's date, in one statement."""
    columns = ", ".join(f"checksum({c.name})" for c in next(c for c in all_contracts() if c.name == table).columns)
    return trino.rows(f"select count(*), {columns} from hive.{table} where business_date = date '{DAY}'")[0]


def test_no_reader_ever_sees_a_mixture(contents, clients, trino):
    run = Run(clients, DAY, 1, Namespace(quiet=True))

    def publish(content):
        for table, location in content.items():
            point(run, table, location, 1, "torn", [], lambda: None)

    expected = {table: set() for table in TABLES}
    for content in contents:
        publish(content)
        for table in TABLES:
            expected[table].add(answer(trino, table))
    seen = {table: set() for table in TABLES}
    stop = threading.Event()

    def read():
        while not stop.is_set():
            for table in TABLES:
                seen[table].add(answer(trino, table))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(MOST):
            if number >= PUBLICATIONS and seen == expected:
                break
            publish(contents[number % 2])
            time.sleep(PAUSE_SECONDS)
    finally:
        stop.set()
        reader.join()
    assert seen.keys() == expected.keys()
    for table in TABLES:
        assert seen[table] and seen[table] <= expected[table], table
    changing = [table for table in TABLES if len(expected[table]) == 2]
    assert {"staging.pos_order_lines", "staging.warehouse_stock", "planning.net_demand"} <= set(changing)
    assert all(len(seen[table]) == 2 for table in changing), "the reader was too slow to see both contents"
