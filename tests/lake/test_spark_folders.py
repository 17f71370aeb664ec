"""What Spark writes beside the tables: everything lies in the data folder."""

import os
import subprocess
import sys

import pytest

from common.lake import artifacts
from common.settings import ROOT, load_settings

TABLE = """
from common.clients.spark import session
from common.settings import load_settings
spark = session(load_settings())
spark.sql("create table made as select 1 as n")
print(spark.sparkContext._jvm.System.getProperty("java.class.path"))
with open(f"/proc/{spark.sparkContext._gateway.proc.pid}/maps") as maps:
    print(*{line.split()[-1].rpartition("/")[2] for line in maps if line.rstrip().endswith(".jsa")})
"""


def test_the_folder_that_a_command_is_typed_in_stays_as_it_was_and_every_lake_has_the_archive_of_classes(tmp_path):
    """Java takes it where the class path is to the letter that with which it was made."""
    artifacts.ensure()
    typed_in, archives = tmp_path / "typed in", []
    typed_in.mkdir()
    for name in ("der See", "another"):
        data = tmp_path / name
        variables = os.environ | {"PYTHONPATH": str(ROOT), "PROCUREMENT_LAKE_DIR": str(data)}
        for own in ("SPARK_CONF_DIR", "SPARK_LOCAL_DIRS"):
            variables.pop(own, None)
        made = subprocess.run(
            [sys.executable, "-c", TABLE], cwd=typed_in, env=variables, capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr
        assert list((data / "spark" / "warehouse" / "made").glob("*.parquet"))
        class_path, files = made.stdout.splitlines()
        archives.append((class_path, sorted(name.partition("-")[0] for name in files.split())))
    assert not list(typed_in.iterdir())
    assert archives[0] == archives[1] and archives[0][1] == ["classes.jsa", "spark"]


def test_a_comma_in_the_lakes_path_is_no_list_of_scratch_folders(monkeypatch, tmp_path):
    from common.clients import spark

    variables = {k: v for k, v in os.environ.items() if k not in ("SPARK_LOCAL_DIRS", "SPARK_CONF_DIR", "PYSPARK_GATEWAY_PORT")}
    monkeypatch.setattr(os, "environ", variables | {"PROCUREMENT_LAKE_DIR": str(tmp_path / "ein See, ß")})
    spark._environment(load_settings())
    assert "," not in os.environ["SPARK_LOCAL_DIRS"] and os.path.isdir(os.environ["SPARK_LOCAL_DIRS"])


def test_an_environment_that_belongs_to_somebody_else_is_left_alone(monkeypatch, tmp_path):
    """As in a container: what Spark wants as its settings' folder lies in the lake then."""
    from common.clients import spark
    from common.lake import java

    (tmp_path / "java-home").write_text("no folder can be made in here, not even by root")
    variables = {k: v for k, v in os.environ.items() if k not in ("SPARK_CONF_DIR", "PYSPARK_GATEWAY_PORT")}
    monkeypatch.setattr(os, "environ", variables | {"PROCUREMENT_LAKE_DIR": str(tmp_path / "lake")})
    monkeypatch.setattr(java, "home", lambda: tmp_path / "java-home")
    spark._environment(load_settings())
    assert os.environ["SPARK_CONF_DIR"] == str(tmp_path / "lake" / "spark" / "conf")
    assert os.listdir(os.environ["SPARK_CONF_DIR"]) == []


@pytest.mark.parametrize("more", [{}, {"PYSPARK_GATEWAY_PORT": "1"}, {"PROCUREMENT_ENV": "cluster"}], ids=str)
def test_a_local_spark_is_the_pinned_one_whatever_the_user_has_beside_it(monkeypatch, tmp_path, more):
    """What spark-submit or a cluster says is respected."""
    from common.clients import spark
    from common.lake import java

    users = {"JAVA_HOME": "/opt/java8", "SPARK_HOME": "/opt/spark2", "PYSPARK_PYTHON": "python2"}
    variables = {k: v for k, v in os.environ.items() if k not in ("SPARK_LOCAL_DIRS", "SPARK_CONF_DIR", "PYSPARK_GATEWAY_PORT")}
    monkeypatch.setattr(os, "environ", variables | users | {"PROCUREMENT_LAKE_DIR": str(tmp_path)} | more)
    spark._environment(load_settings())
    pinned = {"JAVA_HOME": str(java.home()), "PYSPARK_PYTHON": sys.executable}
    assert {k: v for k, v in os.environ.items() if k in users} == (users if more else pinned)
