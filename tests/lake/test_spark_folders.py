"""What Spark writes beside the tables: everything lies in the data folder."""

import os
import subprocess
import sys

from common.lake import artifacts
from common.settings import ROOT

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
