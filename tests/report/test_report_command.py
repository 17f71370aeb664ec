"""What `./submit.sh report` reads back from a published folder gives the page that the export had made."""

from decimal import Decimal

from night_sample import DAY, WINDOW, exception, order, small_night

from common import cli
from common.publish.export import MANIFEST, write_run
from common.publish.export_lists import exception_files, manifest
from common.publish.release import Head, decide
from common.report.command import exported_in
from common.report.render import report
from common.report.view import Exported


def test_one_file_takes_one_page(capsys):
    assert cli.run(["report", "2017-12-21..2017-12-23", "--to", "night.html"]) == 64
    assert "--to takes one page" in capsys.readouterr().err


def test_the_page_made_again_from_the_files_is_the_page_of_the_export(tmp_path):
    rows = [
        exception("order_excess", "notice", "1", cost_at_risk=Decimal("1234.50"), currency="USD", days_at_risk=400, rank=1),
        exception("no_supplier", "error", "2", rank=2),
    ]
    decisions = decide([order("S1", "1", ("3", "Käse & Co"))], {"20171223-S9": Head("20171223-S9", "S9", 1, "new", "")})
    names = {d.supplier_id: f"{d.supplier_id}.json" for d in decisions}
    files = {names[d.supplier_id]: d.data for d in decisions if d.order}
    files |= exception_files(DAY, list(rows[0]), [list(row.values()) for row in rows])
    files[MANIFEST] = manifest(DAY, 7, decisions, names, files, len(rows), {})
    directory = write_run(tmp_path, DAY, 7, files)
    orders = [(d.order, d.revision, names[d.supplier_id]) for d in decisions if d.order]
    made = Exported(DAY, 7, orders, ["20171223-S9"], rows)
    _, facts = small_night()
    assert report(exported_in(directory, DAY), facts, WINDOW, "..") == report(made, facts, WINDOW, "..")
