"""What Spark writes beside the tables: everything lies in the data folder."""

import os
import subprocess
import sys

from common.lake import artifacts
from common.settings import ROOT, load_settings

TABLE = """
from common.clients.spark import session
from common.settings import load_settings
session(load_settings()).sql("create table made as select 1 as n")
"""


def test_the_folder_that_a_command_is_typed_in_stays_as_it_was(tmp_path):
    artifacts.ensure()
    typed_in, data = tmp_path / "typed in", tmp_path / "der See"
    typed_in.mkdir()
    variables = os.environ | {"PYTHONPATH": str(ROOT), "PROCUREMENT_LAKE_DIR": str(data)}
    made = subprocess.run([sys.executable, "-c", TABLE], cwd=typed_in, env=variables, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert list((data / "spark" / "warehouse" / "made").glob("*.parquet"))
    assert not list(typed_in.iterdir())


def test_a_comma_in_the_lakes_path_is_no_list_of_scratch_folders(monkeypatch, tmp_path):
    from common.clients import spark

    variables = {k: v for k, v in os.environ.items() if k not in ("SPARK_LOCAL_DIRS", "SPARK_CONF_DIR", "PYSPARK_GATEWAY_PORT")}
    monkeypatch.setattr(os, "environ", variables | {"PROCUREMENT_LAKE_DIR": str(tmp_path / "ein See, ß")})
    spark._environment(load_settings())
    assert "," not in os.environ["SPARK_LOCAL_DIRS"] and os.path.isdir(os.environ["SPARK_LOCAL_DIRS"])
