"""Layers read only what they may: which room of the code imports which, and which table a model reads."""

import ast
import re
from functools import cache

import pytest

from common.contracts import all_contracts
from common.planning import MODELS, model_text
from common.settings import ROOT

# what everybody may import
_BASE = {"errors", "dates", "setting_rules", "settings", "contracts", "terminal"}
# what else each room on the way of the data imports, anywhere in its files; what is not listed here looks at nights that
# have run, or plays others, and is imported by none of these. clients: a local Spark's jars and Java are the lake's
MAY = {
    "errors": set(),
    "setting_rules": set(),
    "clients": {"lake", "package", "cli"},
    "stages": set(),
    "inbox": {"cli", "clients", "landing", "migrate", "night", "publish"},
    "landing": {"clients", "inbox", "publish"},
    "staging": {"clients", "landing", "publish", "stages"},
    "planning": {"exceptions", "planning_options", "publish", "stages"},
    "planning_options": {"clients", "stages"},
    "planning_steps": set(),
    "open_orders": {"publish", "stages"},
    "publish": {"clients", "landing", "report", "stages", "staging"},
    "report": {"cli", "clients", "exceptions", "landing", "night", "planning_steps", "publish", "stages"},
    "migrate": {"clients"},
    "night": {"cli", "lake", "migrate", "publish", "stages"},
    "cli": {"night", "stages", "streams"},
    "streams": set(),
    "lake": {"clients", "streams"},
    "jobs": {"cli", "landing", "open_orders", "planning", "planning_options", "publish", "stages", "staging"},
}
# common/exceptions has what the night needs of the closed list, and commands that look back
MAY_MODULE = {"exceptions.codes": {"clients"}}
# what Spark's tasks and every stage load as they start
LOADED = ["common.staging.tasks", "common.staging.master", "common.clients.spark", "common.cli", "common.night"]
NOT_LOADED = ("lake", "backtest", "benchmark", "check", "demo", "diff", "explain", "operate", "what_if")


def modules():
    """Every module of the code by its dotted name."""
    files = [file for folder in ("common", "jobs") for file in (ROOT / folder).rglob("*.py")]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports(file, *, only_loading=False):
    """What a file imports of ours, as dotted modules, but for type checkers; only what is loaded with it, or all."""
    found = set()

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
                continue
            if only_loading and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(child, ast.Import):
                found.update(name.name for name in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                found.add(child.module)
                found.update(f"{child.module}.{name.name}" for name in child.names)
            visit(child)

    visit(ast.parse(file.read_text(encoding="utf-8")))
    return {name for name in found if name in MODULES or name == "jobs"}


MODULES = modules()


def room(module):
    """`staging` of common.staging.tasks, `cli` of common.cli, `jobs` of jobs.ingest."""
    parts = module.split(".")
    return parts[1] if parts[0] == "common" and len(parts) > 1 else parts[0]


def rooms(names):
    return {room(name) for name in names} - {"common"}


@pytest.mark.parametrize("name", MAY)
def test_a_room_imports_only_what_it_may(name):
    inside = [module for module in MODULES if room(module) == name]
    assert inside, f"there is no room {name}"
    wrong = {module: bad for module in inside if (bad := rooms(imports(MODULES[module])) - {name} - _BASE - MAY[name])}
    assert not wrong


@pytest.mark.parametrize("name", MAY_MODULE)
def test_a_module_imports_only_what_it_may(name):
    assert rooms(imports(MODULES[f"common.{name}"])) - _BASE <= MAY_MODULE[name]


def test_nobody_imports_a_job():
    """Stages are found by their name, common/stages.py; what two of them share lies in common/."""
    assert not {module for module, file in MODULES.items() if "jobs" in rooms(imports(file))}


@cache
def loaded(module):
    """Every module of ours that is loaded with one, itself among them."""
    found, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name in MODULES and name not in found:
            found.add(name)
            todo += [name.rpartition(".")[0], *imports(MODULES[name], only_loading=True)]
    return found


@pytest.mark.parametrize("module", [*LOADED, *(name for name in MODULES if name.startswith("jobs."))])
def test_a_task_and_a_stage_load_neither_the_lake_nor_what_looks_back(module):
    assert not {name for name in loaded(module) if room(name) in NOT_LOADED}


def test_the_oracle_shares_no_code():
    for file in (ROOT / "tests" / "oracle").glob("*.py"):
        assert not re.search(r"^\s*(from|import) (common|jobs|tests)\b", file.read_text(encoding="utf-8"), re.M), file.name


PLANNED = [c for c in all_contracts() if c.schema == "planning"]


def relations(sql):
    """What a query reads: the words after from and join that are none of its own CTEs; comments and texts are none of it."""
    sql = re.sub(r"--.*|'[^']*'", "", sql)
    own = set(re.findall(r"\b(\w+)\s+as\s*\(", sql))
    return set(re.findall(r"(?<!distinct )\b(?:from|join)\s+([^\s(),;]+)", sql)) - own - {"unnest"}


@pytest.mark.parametrize("contract", PLANNED, ids=lambda c: c.table)
def test_a_model_reads_staged_tables_and_what_the_night_made_before_it(contract):
    """By placeholders alone: nothing raw, nothing of PostgreSQL, nothing of a model that comes later."""
    before = MODELS[: MODELS.index(contract.table)]
    staged = {f"${c.table}" for c in all_contracts() if c.schema in ("staging", "audit")}
    # the exceptions of the date before say which are new
    may = staged | {f"${name}" for name in before} | ({"$last_exceptions"} if contract.table == "exceptions" else set())
    text = model_text(contract.table)
    assert relations(text) and relations(text) <= may
    assert not re.search(r"\b(hive|postgresql|delta)\.", re.sub(r"--.*", "", text))


@pytest.mark.parametrize("contract", [c for c in all_contracts() if (c.folder / "checks.sql").exists()], ids=lambda c: c.name)
def test_a_check_reads_its_own_table_and_what_that_was_made_from(contract):
    found = relations((contract.folder / "checks.sql").read_text(encoding="utf-8"))
    before = MODELS[: MODELS.index(contract.table) + 1] if contract.table in MODELS else (contract.table,)
    staged = {f"${c.table}" for c in all_contracts() if c.schema == "staging"} if contract.schema == "planning" else set()
    assert f"${contract.table}" in found
    assert found <= staged | {f"${name}" for name in before}
