"""The command on the real year: a few days, as a user types it, and its demand against a day that was really staged."""

import json
from datetime import date

import pytest

from common.backtest.sales import read_sales
from common.inbox.retailer import Retailer
from common.stages import NIGHT

DAY = date(2017, 12, 23)


def test_the_demand_is_what_staging_accepts(demo, trino, settings):
    sales = read_sales(Retailer(settings), DAY, DAY)
    at, units = sales.of(DAY)
    staged = trino.rows(
        f"select sku, sum(quantity) from hive.staging.pos_order_lines where business_date = date '{DAY}' group by sku"
    )
    assert dict(zip((sales.skus[n] for n in at), units.tolist(), strict=True)) == dict(staged)


@pytest.fixture(scope="module")
def told(lake, submit, tmp_path_factory):
    """What the command says of three days with two of warm-up, and its folder."""
    folder = tmp_path_factory.mktemp("backtest")
    done = submit(
        "backtest", "2017-12-20..2017-12-22", "--warm-up", "2", "--safety-stock", "0.5,1", "--output", folder, "--json",
        "--policy", write_policy(folder),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), folder


def write_policy(folder):
    file = folder / "plain.yml"
    file.write_text("name: plain\n")
    return file


def test_the_command_tells_what_each_scenario_did(told):
    result, folder = told
    assert [(s["policy"], s["share_percent"]) for s in result["scenarios"]] == [("plain", 50), ("plain", 100)]
    half, whole = (s["sums"] for s in result["scenarios"])
    assert half["demand"] == whole["demand"] > 0
    assert 0 < half["met"] < whole["met"] <= whole["demand"]
    assert half["stock_unit_days"] < whole["stock_unit_days"]
    assert whole["days"] == 3
    assert json.loads((folder / "backtest.json").read_text()) == result
    assert result["stages_left_out"] == [name for name in NIGHT if name not in ("net_demand", "purchase_orders")]
    assert {"backtest.csv", "backtest.html"} <= {f.name for f in folder.iterdir()}


def test_every_sku_of_the_assortment_is_followed_or_counted(told, settings):
    result, _ = told
    known = Retailer(settings).query("select count(*) as n from assortment")["n"][0].as_py()
    assert result["skus"] + sum(result["left_out"].values()) == known
    assert {"not_planned", "no_supplier", "invalid_terms", "not sold in the period"} == set(result["left_out"])


@pytest.mark.parametrize(
    "arguments, code, says",
    [
        (["2017-12-22..2017-12-20"], 64, "ends before it begins"),
        (["2017-12-20..2017-12-22", "--parameters", "finest"], 64, "no parameter set"),
        (["2017-12-20..2017-12-22", "--safety-stock", "half"], 64, "no share"),
        (["2017-12-20..2017-12-22", "--warm-up", "-1"], 64, "warm-up"),
        (["2017-12-20..2017-12-22", "--policy", "nowhere.yml"], 66, "can't be read"),
        (["2017-01-20..2017-01-22"], 66, "a range from 2017-02-2"),
        (["2018-01-02..2018-01-05"], 66, "to 201"),
    ],
)
def test_what_can_t_be_played_is_refused(lake, command, arguments, code, says):
    done = command("backtest", *arguments)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
