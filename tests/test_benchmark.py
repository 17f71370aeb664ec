"""The benchmark's command on a small day: every way stages it, and the table has what the README's readers compare."""

import json

import pytest

from common.benchmark.commands import WAYS, _table, _write
from common.benchmark.made import Day
from common.benchmark.measure import Measured
from common.cli import run as command


@pytest.mark.slow
def test_every_way_stages_the_same_day(lake, submit):
    done = submit("benchmark", "--lines", "20000", "--stores", "4", "--runs", "1", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["day"]["files"] == 4 and set(result["ways"]) == set(WAYS)
    counts = {way: json.loads(run["result"]) for way, (run,) in result["ways"].items()}
    exact = counts["two_tiers"]
    assert exact["read"] == sum(exact[outcome] for outcome in ("accepted", "rejected", "set_aside", "duplicates"))
    assert exact["read"] == result["day"]["lines"] > 15_000 and exact["rejected"] > 0
    for way, (run,) in result["ways"].items():
        assert abs(counts[way]["accepted"] - exact["accepted"]) < exact["read"] / 100, way
        assert run["wall"] > 0 and run["cpu"] > 0 and run["peak_mb"] > 20, way


def test_the_table_has_medians_and_ratios(tmp_path):
    rows = json.dumps({"accepted": 990, "rejected": 7, "set_aside": 2, "duplicates": 1})
    found = {
        "two_tiers": [Measured(wall, 2 * wall, peak, rows) for wall, peak in ((3.0, 900.0), (9.0, 1000.0), (2.0, 800.0))],
        "duckdb_alone": [Measured(2.0, 3.0, 2500.0, rows)] * 3,
    }
    table = _table(Day("/x", 1200, 5_000_000, 4), found)
    assert "median of 3 interleaved runs" in table
    assert f"| {WAYS['two_tiers']} | 3.0 | 1.50 | 400 | 6.0 | 1,000 | 990 | 7 | 2 | 1 |" in table
    document = tmp_path / "benchmark.md"
    document.write_text("before\n\n<!-- measured: 1200 -->\nold\n<!-- end: 1200 -->\nafter\n", encoding="utf-8")
    _write(document, 1200, table)
    assert document.read_text() == f"before\n\n<!-- measured: 1200 -->\n{table}\n<!-- end: 1200 -->\nafter\n"


def test_a_way_that_there_is_not_is_refused_before_anything_is_made(capsys):
    assert command(["benchmark", "--ways", "two_tiers,polars"]) == 64
    assert "there is no way 'polars': two_tiers, duckdb_alone, dataframe" in capsys.readouterr().err
