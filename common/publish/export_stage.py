"""The stage export_orders: plan and record read, release decided, files written aside; then linked and recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from common.contracts import contract
from common.errors import Failure
from common.publish import export, release
from common.publish.barrier import barrier
from common.publish.delta_tables import append, arrow_schema, ensure_delta_table
from common.publish.export_lists import costs_of, exception_files, manifest
from common.publish.order_files import COLUMNS, file_names, orders_of, validate
from common.publish.release import Decision, Head, History
from common.publish.released import DIGEST, digest
from common.publish.run import Run
from common.report.facts import read_facts
from common.report.index import write_index
from common.report.render import report
from common.report.view import Exported, charted_skus
from common.stages import Built, Input

LINES, EXCEPTIONS = "planning.purchase_order_lines", "planning.exceptions"


def reads(run: Run) -> list[Input]:
    """The plan of the date, published."""
    return [run.need_published(LINES), run.need_published(EXCEPTIONS)]


def build(run: Run, inputs: list[Input]) -> Built:
    """Writes the files of this run aside; `publish` of what it returns makes them the date's and records the release.

    Where they would be the files that are published already, nothing is written and nothing published.
    """
    ensure_delta_table(run, contract(release.TABLE))
    exception_columns = [column.name for column in contract(EXCEPTIONS).columns]
    with ThreadPoolExecutor(3) as pool:
        plan, exceptions, recorded = pool.map(
            run.trino.rows,
            (
                _select(run, LINES, COLUMNS),
                _select(run, EXCEPTIONS, exception_columns),
                release.heads_sql(run.day),
            ),
        )
    root = export.orders_root(run.settings)
    heads = complete(run, export.published(root, run.day), release.heads_of(recorded))
    orders = orders_of(run.day, plan)
    names = file_names(order.supplier_id for order in orders)
    decisions = release.decide(orders, heads)
    history: History = {}
    if release.needs_history(decisions) or (heads and any(not d.is_recorded for d in decisions)):
        history = release.history_of(run.day, run.trino.rows(release.history_sql(run.day)))
    if not run.option("revise", False):
        release.refuse_changes(run.day, decisions, heads, history)
    files = {names[d.supplier_id]: d.data for d in decisions if d.order}
    files |= exception_files(run.day, exception_columns, exceptions)
    built = _describe(decisions, len(exceptions), root, run)
    current = export.published(root, run.day)
    if current and export.is_intact(current) and export.read_manifest(current)["files"] == export.describe(files):
        built.notes["directory"] = current.relative_to(root).as_posix()
        run.say(f"  the files are those already published in {root / str(run.day)}")
        return built
    with ThreadPoolExecutor(1) as pool:
        # made aside while the order files are checked and put on the disk
        rows = [dict(zip(exception_columns, row, strict=True)) for row in exceptions]
        page = pool.submit(_page, run, root, decisions, names, rows)
        for decision in decisions:
            if decision.order:
                validate(decision.data, names[decision.supplier_id])
        files[export.MANIFEST] = manifest(run.day, run.run_id, decisions, names, files, len(exceptions), history)
        directory = export.write_run(root, run.day, run.run_id, files)
        _add_report(run, root, directory, page, built)
    built.notes["directory"] = directory.relative_to(root).as_posix()
    built.publish = _publisher(run, root, directory, decisions, history)
    return built


def complete(run: Run, directory: Path | None, heads: dict[str, Head]) -> dict[str, Head]:
    """Records what the published directory has released and the record lacks; returns the heads of the whole record."""
    if directory is None:
        return heads
    missing, run_id = release.unrecorded(directory, run.day, heads)
    if not missing:
        return heads
    history: History = {}
    if any(d.order is None for d in missing):
        history = release.history_of(run.day, run.trino.rows(release.history_sql(run.day)))
    _record(run, missing, history, run_id)
    run.say(f"  recorded the release of {len(missing)} orders that run {run_id} had published")
    return release.heads_of(run.trino.rows(release.heads_sql(run.day)))


def is_current(run: Run, fingerprint: str) -> bool:
    """Whether the last success had this fingerprint, and the files that it published are still there, unaltered."""
    found = run.postgres.rows(
        "select s.fingerprint, s.notes ->> 'directory' from ops.stages s join ops.runs r using (run_id)"
        " where r.business_date = %s and s.stage = 'export_orders' and s.status = 'succeeded'"
        " order by s.run_id desc limit 1",
        (run.day,),
    )
    root = export.orders_root(run.settings)
    current = export.published(root, run.day)
    if not found or current is None or found[0] != (fingerprint, current.relative_to(root).as_posix()):
        return False
    return export.is_intact(current)


def completes(run: Run, notes: dict[str, Any]) -> bool:
    """Whether a run that ended while publishing had renamed its link; if so, its release is now recorded."""
    root = export.orders_root(run.settings)
    current = export.published(root, run.day)
    if current is None or current.relative_to(root).as_posix() != notes.get("directory"):
        return False
    ensure_delta_table(run, contract(release.TABLE))
    complete(run, current, release.heads_of(run.trino.rows(release.heads_sql(run.day))))
    return True


def sweep(run: Run, succeeded: list[dict[str, Any]]) -> list[str]:
    """Removes the directories of runs that never published, given the notes of those that did."""
    return export.sweep(run.settings, run.day, {Path(notes["directory"]).name for notes in succeeded})


def _publisher(
    run: Run, root: Path, directory: Path, decisions: list[Decision], history: History
) -> Callable[[Callable[[], None]], None]:
    def publish(may_publish: Callable[[], None]) -> None:
        barrier("export_before_link")
        export.point(root, run.day, directory, may_publish=may_publish)
        barrier("export_after_link")
        may_publish()
        _record(run, decisions, history, run.run_id)
        try:
            write_index(root)
        except Failure as failure:
            run.say(f"  the index of the nights could not be written: {failure.what}")

    return publish


def _page(
    run: Run, root: Path, decisions: list[Decision], names: Mapping[str, str], exceptions: list[dict[str, Any]]
) -> bytes:
    orders = [(d.order, d.revision, names[d.supplier_id]) for d in decisions if d.order]
    cancelled = [d.order_number for d in decisions if d.order is None]
    exported = Exported(run.day, run.run_id, orders, cancelled, exceptions)
    home = export.way_home(by_link=export.has_links(root, run.day))
    return report(exported, read_facts(run, charted_skus(exceptions)), run.settings["planning.history_days"], home)


def _add_report(run: Run, root: Path, directory: Path, page: Future[bytes], built: Built) -> None:
    """Puts the report beside the files, which nobody sees yet. Orders do not wait for a picture of them that fails."""
    try:
        export.replace_file(root, directory / export.REPORT, page.result())
    except Exception as error:
        built.notes["report"] = f"not made: {error or type(error).__name__}"
        run.say(f"  the report could not be made: {error or type(error).__name__}; ./submit.sh report {run.day} tries again")


def _record(run: Run, decisions: list[Decision], history: History, run_id: int) -> None:
    rows = release.release_rows(decisions, history, run_id)
    of = contract(release.TABLE)
    append(run, of, pa.Table.from_pylist(rows, arrow_schema(of)), once=True)


def _select(run: Run, table: str, columns: Any) -> str:
    return f"select {', '.join(columns)} from {run.reference(table)} where business_date = date '{run.day}'"


def _describe(decisions: list[Decision], exceptions: int, root: Path, run: Run) -> Built:
    orders = [d.order for d in decisions if d.order]
    rows = {"orders": len(orders), "order_lines": sum(len(order.lines) for order in orders), "exceptions": exceptions}
    for status in (release.NEW, release.CHANGED, release.UNCHANGED, release.CANCELLED):
        if count := sum(d.status == status for d in decisions):
            rows[status] = count
    notes = {
        "output": str(root / str(run.day)),
        "order_qty": sum(order.order_qty for order in orders),
        "cost": costs_of(orders),
        DIGEST: digest(decisions),
    }
    return Built(rows=rows, notes=notes)
