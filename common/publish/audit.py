"""Audits of a table that is built but not yet published.

`sql/<schema>/<table>/checks.sql` holds queries that return the offending rows; each is preceded by a comment line
`-- check: <sentence>`. Spark's tables are counted and conserved by the tasks that wrote them; their queries run here too,
over a scratch table at the private directory.
"""

from __future__ import annotations

from string import Template

from common.contracts import all_contracts, contract
from common.errors import BadData
from common.publish.run import Run
from common.stages import Built, Stage

_MARK = "-- check:"


def checks(table: str) -> list[tuple[str, str]]:
    """The audits of a table: (sentence, SQL template with `$table_name` placeholders)."""
    file = contract(table).folder / "checks.sql"
    if not file.exists():
        return []
    found = []
    for part in file.read_text(encoding="utf-8").split(_MARK)[1:]:
        sentence, _, sql = part.partition("\n")
        found.append((sentence.strip(), sql.strip().rstrip(";")))
    return found


def audit(run: Run, stage: Stage, built: Built) -> None:
    """Runs every check of the tables a stage built, as one query; BadData with the first offending row, nothing published."""
    found = [(table, sentence, sql) for table in built.tables for sentence, sql in checks(table)]
    if not found:
        return
    for table, location in built.tables.items():
        is_read = any(f"${contract(table).table}" in sql for _, _, sql in found)
        if is_read and table not in run.pending:
            scratch = run.scratch_name(location)
            run.metastore.create_scratch(contract(table), scratch, location)
            run.await_publication(table, location, scratch)
    queries = [_render(run, sql) for _, _, sql in found]
    counts = run.trino.execute(" union all ".join(f"select {n}, count(*) from ({query})" for n, query in enumerate(queries)))
    for number, count in sorted(counts):
        if count:
            table, sentence, _ = found[number]
            row = run.trino.execute(f"select * from ({queries[number]}) limit 1")[0]
            raise BadData(
                f"{table} of {run.day} was built but not published: {sentence} ({count} rows)",
                where=f"first row: {row}",
                next=f"./submit.sh status {run.day}",
            )


def _render(run: Run, sql: str) -> str:
    tables = {c.table: run.reference(c.name) for c in all_contracts() if c.schema != "audit"}
    return Template(sql).substitute(tables, business_date=run.day.isoformat())
