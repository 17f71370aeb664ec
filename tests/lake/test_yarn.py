"""The night as a plain spark-submit to YARN: its executors need what `package` packed, its orders are the local night's."""

import subprocess
import sys
from pathlib import Path

import pytest
from local_yarn import LocalYarn, environment

from common.lake import artifacts
from common.settings import ROOT, SERVICES

DAY = "2037-04-02"
PLAN = ("--stores", "6", "--orders", "300", "--skus", "120", "--warehouses", "2", "--dirty", "2", "--seed", "8")


@pytest.fixture
def yarn(settings, tmp_path):
    artifacts.ensure("yarn")
    made = LocalYarn(tmp_path / "yarn", settings.service("HDFS_URL"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def orders(settings):
    folder = settings.path("paths.output") / "supplier_orders" / DAY
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.json")) if not file.name.startswith("_")}


@pytest.mark.cluster
def test_a_night_on_yarn_writes_the_same_orders(submit, settings, yarn, tmp_path):
    for command in (("generate", DAY, *PLAN), ("all", DAY), ("package", tmp_path / "package")):
        done = submit(*command)
        assert done.returncode == 0, done.stderr
    expected = orders(settings)
    assert expected
    variables = environment(yarn) | {name: settings.service(name) for name in SERVICES}
    variables |= {"PROCUREMENT_ENV": "cluster", "PROCUREMENT_SPARK__PACKAGE": str(tmp_path / "package")}
    variables |= {"PYSPARK_PYTHON": sys.executable}
    variables.pop("PYTHONPATH", None)
    options = subprocess.run(
        [sys.executable, "-m", "common.clients.spark"], cwd=ROOT, env=variables, check=True, capture_output=True, text=True
    )
    night = subprocess.run(
        [Path(sys.executable).with_name("spark-submit"), *options.stdout.split(), "--conf", "spark.executor.instances=2",
         ROOT / "jobs" / "night.py", DAY, "--force"],
        env=variables, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert night.returncode == 0, night.stderr[-3000:]
    assert "10 of 10 stages ran" in night.stdout
    assert orders(settings) == expected
    (app,) = yarn.asked("apps")["apps"]["app"]
    assert (app["state"], app["finalStatus"]) == ("FINISHED", "SUCCEEDED")
