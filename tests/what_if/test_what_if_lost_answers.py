"""A what-if whose answers are lost on the way: as in a night, each table is written again beside the first."""

from datetime import date

import pytest

from common.clients.retry import Away
from common.clients.trino import Trino
from common.contracts import contract
from common.diff.parts import SETTINGS
from common.diff.pins import pins
from common.plan_world import MADE
from common.publish.run import Clients
from common.what_if.commands import run
from common.what_if.scenario import parse_all
from common.what_if.store import remove

DAY, NAME = date(2017, 12, 23), "lost_answers"


class Forgetful(Trino):
    """The lake's Trino; every other answer to a statement that writes is lost after its work is done."""

    writes = 0

    def _once(self, sql):
        answer = super()._once(sql)
        is_writing = callable(sql) or sql.startswith("create table")
        self.writes += is_writing
        if is_writing and self.writes % 2:
            raise Away("the answer was lost", self.url)
        return answer


@pytest.fixture
def clients(demo, settings):
    made = Clients(settings)
    made.trino = Forgetful(settings.service("TRINO_URL"), settings["trino.user"])
    yield made
    remove(made, NAME, MADE)


def test_a_table_whose_answer_was_lost_is_written_again_beside_it(clients, metastore):
    """With a setting that is another one, so that only that has a part; every row is there, and once."""
    with pins(clients) as pinned:
        found, _ = run(clients, pinned, DAY, NAME, parse_all(["planning.max_order_qty=12"]))
    assert clients.trino.writes == 2 * len(MADE)
    assert {part.input for part in found.parts if part.changes} == {SETTINGS}
    assert max(line.order_qty for line in found.old.values()) > 12 >= max(line.order_qty for line in found.new.values())
    columns = ", ".join(c.name for c in contract("planning.net_demand").columns)
    needs = [
        clients.trino.rows(f"select count(*), checksum(row({columns})) from {table} where business_date = date '{DAY}'")
        for table in (f"hive.scratch.what_if_{NAME}_net_demand", "hive.planning.net_demand")
    ]
    assert needs[0] == needs[1] and needs[0][0][0] > 1000
    lines = f"hive.scratch.what_if_{NAME}_purchase_order_lines"
    assert clients.trino.one(f"select count(*) from {lines} where business_date = date '{DAY}'") == len(found.new) > 100
    assert not [name for name in metastore.tables("scratch") if name.startswith(pinned._mark)]
