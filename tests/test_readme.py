"""The commands of the README work as they stand there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from common.cli import parser
from common.lake import java
from common.settings import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"\./submit\.sh ([a-z_]+(?:-[a-z]+)*)", TEXT)))
DAY = "2017-12-23"
# read only and quick; the others are run by the tests of their own rooms
RUN = [
    ["status", DAY],
    ["status"],
    ["lake", "status"],
    ["lake", "env"],
    ["check"],
    ["settings"],
    ["dictionary"],
    ["adhoc"],
    ["adhoc", "outcomes", DAY],
    ["unlock", DAY],
    ["retention"],
]

JOBS = re.findall(r"^\$ ((?:spark-submit|python) .*)", TEXT, re.M)


def scheduler():
    """What a scheduler's shell has set: the programs of the environment, a Java, and no PYTHONPATH."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    path = os.pathsep.join([str(Path(sys.executable).parent), variables["PATH"]])
    # another worker's test may hold the date
    return variables | {"PATH": path, "JAVA_HOME": str(java.home()), "PROCUREMENT_NIGHT__LOCK_WAIT_SECONDS": "300"}


@pytest.mark.parametrize("command", NAMED)
def test_every_command_that_the_readme_names_exists_and_explains_itself(command, capsys):
    if command == "test":
        return  # it is what runs this
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([command, "--help"])
    assert ended.value.code == 0
    assert "usage: ./submit.sh " + command in capsys.readouterr().out


def test_every_command_there_is_stands_in_the_readme():
    known = next(a for a in parser()._actions if a.dest == "command").choices
    assert set(known) - {"setup"} <= set(NAMED) | set(re.findall(r"^\| `(\w+)` \|", TEXT, re.M)) | {"backfill"}


@pytest.mark.parametrize(("job", "safe"), [*((job.name, "") for job in sorted((ROOT / "jobs").glob("*.py"))), ("night.py", "1")])
def test_a_job_runs_from_any_folder_without_pythonpath(job, safe, tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "jobs" / job, "--help"], cwd=tmp_path, env=scheduler() | {"PYTHONSAFEPATH": safe},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout[:6]) == (0, "usage:"), done.stderr


@pytest.mark.parametrize("command", JOBS)
def test_the_lines_for_a_scheduler_succeed_after_the_demo(demo, command):
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=scheduler(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert (done.returncode, "succeeded" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("arguments", RUN, ids=" ".join)
def test_the_quick_ones_succeed_after_the_demo(demo, submit, arguments):
    assert arguments[0] in NAMED
    done = submit(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_environment_that_the_readme_promises(demo, submit):
    exported = [shlex.split(line)[1] for line in submit("lake", "env").stdout.splitlines()]
    names = {text.partition("=")[0] for text in exported}
    assert {"TRINO_URL", "DATABASE_URL", "HDFS_URL", "WEBHDFS_URL", "METASTORE_URI"} <= names


def test_the_explanation_is_what_the_readme_shows(demo, submit):
    shown = re.search(r"<!-- explain output -->\n+```\n(.*?)```", TEXT, re.S)
    assert shown, "the README shows no explanation"
    done = submit("explain", DAY, "998373", env={"COLUMNS": "80"})
    assert done.stdout.startswith(shown.group(1)), done.stdout


def test_the_demo_ends_with_what_the_readme_shows(demo):
    shown = re.search(r"<!-- demo output -->\n+```\n(.*?)```", TEXT, re.S)
    assert shown, "the README shows no output of the demo"
    for line in shown.group(1).splitlines():
        words = line.split()
        if len(words) >= 2 and not line.startswith(("order files", "next", "  ")):
            assert " ".join(words) in [" ".join(out.split()) for out in demo.stdout.splitlines()], line
