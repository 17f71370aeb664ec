"""The commands of the README work as they stand there."""

import re
import shlex

import pytest

from common.cli import parser
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
