"""What Trino says of a statement that was run twice, and how one avoids that."""

import pytest

from common.errors import TryAgain


@pytest.fixture
def table(trino):
    """The name of a table that nobody else uses."""
    name = "hive.scratch.run_twice"
    trino.execute(f"drop table if exists {name}")
    yield name
    trino.execute(f"drop table if exists {name}")


def test_a_statement_whose_answer_was_lost_and_that_is_run_twice_asks_for_another_try(trino, table):
    statement = f"create table {table} with (format = 'PARQUET') as select 42 as n"
    trino.execute(statement)
    with pytest.raises(TryAgain, match="run twice, since its answer was lost") as lost:
        trino.execute(statement)
    assert lost.value.exit_code == 75 and lost.value.where.startswith("query ")
    assert trino.execute(f"select n from {table}") == [(42,)]


def test_a_statement_that_names_a_fresh_target_for_each_run(trino, table):
    trino.execute(lambda: f"create table {table} as select 42 as n")
    assert trino.one(f"select n from {table}") == 42
