"""The commands of the README work as they stand there."""

import ast
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
    ["worklist", DAY],
    ["explain", DAY, "--supplier", "S1225"],
    ["lake", "status"],
    ["lake", "env"],
    ["lake", "logs"],
    ["check"],
    ["settings"],
    ["dictionary"],
    ["adhoc"],
    ["adhoc", "outcomes", DAY],
    ["unlock", DAY],
    ["retention"],
]

# what no test here runs, and the test that does
ELSEWHERE = {
    "all": "replay/test_replay.py",
    "backfill": "replay/conftest.py",
    "backtest": "backtest/test_backtest_year.py",
    "benchmark": "test_benchmark.py",
    "calendar": "test_calendars.py",
    "demo": "conftest.py",
    "diff": "what_if/test_what_if_lake.py",
    "generate": "inbox/test_generated_night.py",
    "init_master_data": "inbox/test_generated_night.py",
    "package": "test_package.py",
    "report": "report/test_report_lake.py",
    "retailer": "inbox/test_retailer.py",
    "what-if": "what_if/test_what_if_lake.py",
}

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


def as_installed_here(command):
    """A scheduler's command with this clone's path in place of the example's, in the shell that would run it."""
    assert "/srv/procurement/submit.sh" in command
    return subprocess.run(
        ["sh", "-c", command.replace("/srv/procurement/submit.sh", shlex.quote(str(ROOT / "submit.sh")))],
        cwd="/", env=scheduler(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_the_line_for_airflow_runs_the_night_of_its_date(demo):
    (call,) = re.findall(r"^BashOperator\(.*\)$", TEXT, re.M)
    given = {word.arg: word.value for word in ast.parse(call).body[0].value.keywords}
    date = r"\{\{ data_interval_end\.in_timezone\('America/New_York'\) \| ds \}\}"
    typed, dates = re.subn(date, DAY, ast.literal_eval(given["bash_command"]))
    assert dates == 1  # not the DAG run's logical date, which is the day before, or that of UTC
    done = as_installed_here(typed)
    assert (done.returncode, "succeeded" in done.stdout) == (0, True), done.stderr


def test_the_line_for_cron_runs_the_night_of_today_in_its_window_alone(lake):
    """Today's files were never sent: inside the window there is no input, outside it the night is not started."""
    (line,) = re.findall(r"^[0-9]+ [0-9]+ \* \* \*  (.*)$", TEXT, re.M)
    done = as_installed_here(line.replace("\\%", "%"))  # as cron reads it
    assert (done.returncode, "the night was not started" in done.stderr) in [(75, True), (66, False)], done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_of_the_readme_is_run_by_a_test():
    """With arguments, as a user types it. Stages are run by the tests of `all`; `spikes measure` takes a minute: its parts."""
    here = {arguments[0] for arguments in RUN}
    assert here | set(ELSEWHERE) == set(NAMED) - {"test", "spikes"} | {"backfill"}
    for command, file in ELSEWHERE.items():
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf'(submit|run|command)\(\[?"{command}"', text), f"{command} in {file}"


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


def test_the_demo_again_starts_from_what_is_there(demo, submit):
    again = submit("demo")
    assert (again.returncode, again.stdout) == (0, demo.stdout), again.stderr
    assert "writing" not in again.stderr and "history" not in again.stderr
    assert "(current, nothing to do)" in again.stderr


def test_the_demo_ends_with_what_the_readme_shows(demo, settings):
    """Line by line, exceptions and next commands too; only the place of the files is another here."""
    shown = re.search(r"<!-- demo output -->\n+```\n(.*?)```", TEXT, re.S)
    assert shown, "the README shows no output of the demo"
    ours = demo.stdout.replace(str(settings.path("paths.output")), "<clone>/lake/output")
    assert ours.splitlines() == shown.group(1).splitlines()
