"""House rules: what keeps the listing readable, held by tests instead of by memory."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from common import errors
from common.contracts import all_contracts
from common.planning import model_text
from common.settings import ROOT
from common.stages import NIGHT, stage

FILES = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
PYTHON = [ROOT / f for f in FILES if f.endswith(".py") and (ROOT / f).exists()]
CODE = [f for f in PYTHON if "tests" not in f.relative_to(ROOT).parts]


def name(file):
    return file.relative_to(ROOT).as_posix()


def functions(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_lint_leaves_no_file_out():
    command = [sys.executable, "-m", "ruff", "check", ".", "--show-files"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    assert set(PYTHON) <= {Path(line) for line in shown.stdout.splitlines()}


@pytest.mark.parametrize("file", PYTHON, ids=name)
def test_files_and_functions_are_short(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 300
    assert not [f.name for f in functions(file) if f.end_lineno - f.lineno >= 70]


@pytest.mark.parametrize("file", CODE, ids=name)
def test_every_module_and_public_function_says_what_it_means(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    if tree.body:
        assert ast.get_docstring(tree), "no module docstring"
    public = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]
    assert not [n.name for n in public if not ast.get_docstring(n)]


ONLY = {  # what may be imported or called in one module only
    r"SparkSession\.builder|SparkContext\(|SparkSession\(": {"common/clients/spark.py"},
    r"trino\.dbapi": {"common/clients/trino.py"},
    r"psycopg2\.connect\(": {"common/clients/postgres.py"},
    r"hdfs_native\.Client\(": {"common/clients/hdfs.py"},
    r"ThriftHiveMetastore\.Client\(": {"common/clients/metastore.py"},
}


@pytest.mark.parametrize("pattern", ONLY)
def test_each_service_is_connected_to_in_one_place(pattern):
    found = {name(f) for f in CODE if re.search(pattern, f.read_text(encoding="utf-8"))}
    assert found == ONLY[pattern]


@pytest.mark.parametrize("stage_name", NIGHT)
def test_a_stage_its_file_and_its_tables_share_a_name(stage_name):
    assert stage(stage_name).name == stage_name
    text = (ROOT / "jobs" / f"{stage_name}.py").read_text(encoding="utf-8")
    assert re.search(r'if __name__ == "__main__":\n    leave\(main\(STAGE\)\)', text)
    schemas = {table.split(".")[0] for table in stage(stage_name).writes}
    assert len(schemas) <= 1


@pytest.mark.parametrize("contract", [c for c in all_contracts() if c.schema == "planning"], ids=lambda c: c.name)
def test_every_model_has_a_header_a_contract_and_a_case(contract):
    text = model_text(contract.table)
    for word in ("Purpose", "Grain", "Reads", "Try it"):
        assert re.search(rf"^-- {word}\b", text, re.M), f"no {word} in the header"
    assert (contract.folder / "cases.yml").stat().st_size > 0


def test_sql_files_are_short():
    # schema.sql is made from the migrations
    written = [file for file in (ROOT / "sql").rglob("*.sql") if file.name != "schema.sql"]
    assert len(written) > 20
    assert not [name(file) for file in written if len(file.read_text(encoding="utf-8").splitlines()) > 300]


def test_no_float_in_a_contract_or_a_model():
    for file in (ROOT / "sql").rglob("*.sql"):
        text = re.sub(r"--.*", "", file.read_text(encoding="utf-8"))
        assert not re.search(r"\b(double|real|float|float8|double precision)\b", text, re.I), name(file)


def test_nothing_names_a_registry_host_a_machine_path_or_a_secret():
    hosts = ("pypi." + "org", "maven." + "org", "apache." + "org/maven", "debian." + "org", "files.python" + "hosted")
    for file in FILES:
        path = ROOT / file
        if not path.is_file() or path.suffix in (".png", ".gz", ".parquet"):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not [h for h in hosts if h in text], file
        assert not re.search(r"(?<![\w.])/(work|farm|root)/\w", text), file


def test_the_readme_tells_the_exit_codes_of_the_code():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    codes = {0, 130, errors.Failure.exit_code, *(kind.exit_code for kind in errors.Failure.__subclasses__())}
    assert {int(code) for code in re.findall(r"^\| ([0-9]+) \|", text, re.M)} == codes
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    told = {int(code) for row in re.findall(r"^\| ([0-9, ]+) \|", runbook, re.M) for code in row.split(",")}
    assert told == codes - {0, 130}


def test_the_messages_that_the_readme_explains_are_those_of_the_code():
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Troubleshooting by message")[2]
    code = "\n".join(file.read_text(encoding="utf-8") for file in [*CODE, ROOT / "submit.sh"])
    cells = re.findall(r"^\| (`.*?`) \|", text, re.M)
    parts = {part for cell in cells for told in re.findall(r"`(.*?)`", cell) for part in re.split(r"\s*\.\.\.,?\s*|\bD\b", told)}
    assert len(cells) > 8
    assert not {part for part in parts if part.strip() not in code}


def test_the_readme_lists_every_stage_in_order():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", text, re.M))[: len(NIGHT)] == NIGHT


def test_the_runbook_says_how_to_run_what_the_suite_leaves_out():
    text, runbook = ((ROOT / file).read_text(encoding="utf-8") for file in ("pyproject.toml", "docs/runbook.md"))
    left_out = re.findall(r'"(\w+): [^"]*; see docs/runbook\.md"', text)
    assert left_out == ["containers", "cluster"]
    assert all(f"./submit.sh test -m {marker}" in runbook for marker in left_out)


def test_nothing_is_mocked_or_skipped_for_good():
    for file in PYTHON:
        if file.name != "test_house_rules.py" and "tests" in file.relative_to(ROOT).parts:
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"unittest\.mock|MagicMock|mocker\.|mark\.xfail", text), name(file)


def test_who_touches_master_data_says_so():
    """Two workers share one PostgreSQL; what edits its master data, or plans by what it made, runs in one of them."""
    makes = r'(submit|command)\("(generate(?!.*"--no-master")|snapshot_master|calendar)"|first_night\('
    touches = re.compile(makes + r"|(update|into|from) procurement\.[a-z]")
    told = re.compile(r"mark\.(master_data|own_lake|containers|cluster)")
    for file in PYTHON:
        text = file.read_text(encoding="utf-8")
        if file.name.startswith("test_") and file != Path(__file__) and touches.search(text):
            assert told.search(text), name(file)
