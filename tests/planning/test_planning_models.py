"""House rules of the planning models: the types of their contracts on the real Trino, and a text that is the same every night."""

from __future__ import annotations

import re

import pytest
from planning_world import DAY, FACTS, World, relation

from common.clients.trino import text_literal
from common.contracts import contract
from common.errors import Misconfigured
from common.planning import MODELS, Facts, model_text, render, tables_read
from common.settings import load_settings


def empty_references():
    references = World().references()
    return references | {model: relation(f"planning.{model}", []) for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
def test_columns_are_those_of_the_contract(trino, model):
    """Name, order and type, said by Trino itself; and an empty world is an empty plan, not an error."""
    name = f"planning_columns_{model}"
    sql = render(model, DAY, load_settings(), empty_references(), FACTS)
    trino.execute(f"create or replace view hive.scratch.{name} as {sql}")
    try:
        columns = trino.rows(
            f"select column_name, data_type from hive.information_schema.columns"
            f" where table_schema = 'scratch' and table_name = '{name}'"
            " order by ordinal_position"
        )
        assert trino.rows(f"select * from hive.scratch.{name}") == []
    finally:
        trino.execute(f"drop view hive.scratch.{name}")
    assert columns == [(c.name, c.type) for c in contract(f"planning.{model}").columns]


@pytest.mark.parametrize("model", MODELS)
def test_nothing_that_differs_between_two_runs_enters_a_plan(model):
    text = re.sub(r"--.*", "", model_text(model)).lower()
    for word in (
        r"\bnow\(",
        r"\bcurrent_",
        r"\brandom\(",
        r"\brand\(",
        r"\buuid\(",
        r"\blocaltime",
        r"\bapprox_",
        r"\barbitrary\(",
        r"\bany_value\(",
    ):
        assert not re.search(word, text), word


@pytest.mark.parametrize("model", MODELS)
def test_no_float_anywhere(model):
    text = re.sub(r"--.*", "", model_text(model)).lower()
    for word in (r"\bdouble\b(?!_)", r"\breal\b", r"\bfloat", r"\bavg\(", r"\d\.\d", r"\bpower\(", r"\bsqrt\("):
        assert not re.search(word, text), word


@pytest.mark.parametrize("model", MODELS)
def test_a_model_names_no_schema_and_dates_every_table(model):
    text = re.sub(r"--.*", "", model_text(model))
    assert not re.search(r"\b(staging|planning|audit|scratch|hive|delta)\.\w+(?<!')(?!')", re.sub(r"'[^']*'", "''", text))
    for name in re.findall(r"from \$(\w+)", text):
        assert re.search(rf"from \${name}\s+where\s+business_date", text), f"{name} is read without its date"


@pytest.mark.parametrize("model", MODELS)
def test_the_header_names_what_is_read(model):
    header = model_text(model).partition("\nwith\n")[0]
    for table in tables_read(model):
        assert table in header


def test_a_placeholder_that_nobody_gives_is_said():
    with pytest.raises(Misconfigured, match="net_demand"):
        render("order_decisions", DAY, load_settings(), {}, Facts(1, 1))


def test_texts_stay_texts():
    assert text_literal("it's") == "'it''s'"
