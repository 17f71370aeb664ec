"""What a cluster gets of this code runs there by itself: the package has no local lake, and nothing asks for one."""

import os
import subprocess
import sys
import tarfile

import pytest

from common import package
from common.cli import run as command
from common.package import ARCHIVE, _project
from common.settings import ROOT
from common.stages import NIGHT

# every module that a night on a cluster, or a task of it, imports by the time it has read its command line
WHOLE = "import common.staging.tasks, common.staging.driver, common.staging.master\n" + "".join(
    f"import jobs.{name}\n" for name in NIGHT
)
READY = """
from common.night import ready
from common.settings import load_settings
ready(load_settings())
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The folder that YARN unpacks the code to."""
    folder = tmp_path_factory.mktemp("container")
    for name, file in _project():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file.read_bytes())
    return folder / "project"


def run(project, code):
    """That code with the package's Python path, in the environment `cluster`."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PROCUREMENT_")}
    variables |= {"PYTHONPATH": str(project), "PYTHONSAFEPATH": "1", "PROCUREMENT_ENV": "cluster", "HDFS_URL": "hdfs://127.0.0.1:1"}
    for name in ("TRINO_URL", "DATABASE_URL", "METASTORE_URI", "WEBHDFS_URL"):
        variables.pop(name, None)
    return subprocess.run([sys.executable, "-c", code], env=variables, cwd=project, capture_output=True, text=True, check=False)


def test_the_local_lake_is_not_packed(project):
    assert not (project / "common" / "lake").exists()
    assert (project / "common" / "staging" / "tasks.py").read_bytes() == (ROOT / "common" / "staging" / "tasks.py").read_bytes()
    assert (project / "sql" / "staging" / "products" / "contract.yml").exists() and (project / "conf" / "settings.yml").exists()


def test_tasks_and_stages_import_what_is_packed_and_nothing_else(project):
    done = run(project, WHOLE + "import common\nprint(common.__file__)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(project / "common" / "__init__.py")


def test_a_night_on_a_cluster_asks_for_no_local_lake(project):
    done = run(project, READY)
    assert "TRINO_URL is not set" in done.stderr or "DATABASE_URL is not set" in done.stderr, done.stderr
    assert "common.lake" not in done.stderr


def test_what_tasks_import_is_packed_with_all_that_it_needs():
    folders = {name.split("/")[1] for name, _ in package._packages()}
    needed = {"duckdb", "pyarrow", "numpy", "hdfs_native", "fsspec", "yaml", "trino", "psycopg2", "pymetastore", "thrift"}
    assert needed <= folders


def test_the_command_packs_code_packages_and_jars(project, tmp_path, monkeypatch, capsys):
    """With one small package: all of them are 330 MB, and the cluster's test packs them."""
    monkeypatch.setattr(package, "_PACKAGES", ("trino",))
    folder = tmp_path / "ein Paket"
    assert command(["package", str(folder)]) == 0
    told = capsys.readouterr().out
    assert str(folder / ARCHIVE) in told and f"spark.package: {folder}" in told
    assert sorted(jar.name.partition("-")[0] for jar in (folder / "jars").iterdir()) == ["delta"] * 2
    with tarfile.open(folder / ARCHIVE) as packed:
        names = set(packed.getnames())
    ours = {f"project/jobs/{job.name}" for job in (ROOT / "jobs").glob("*.py")} | {"project/conf/settings.yml"}
    assert {name for name in names if name.startswith("project/")} >= ours
    assert "packages/trino/__init__.py" in names and not any(".." in name for name in names)
    assert [file.name for file in folder.iterdir() if file.name not in (ARCHIVE, "jars")] == []
