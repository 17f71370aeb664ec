"""One renamed link makes a run's directory the date's: never half, never mixed, nothing left of what failed."""

import errno
import os
import threading
from argparse import Namespace
from concurrent.futures import Future
from pathlib import Path

import pytest
from plan_rows import DAY, line, orders

from common.errors import BadData, CannotWrite, Stopped, TryAgain
from common.explain.sent import sent_line
from common.publish.export import (
    MANIFEST,
    describe,
    has_links,
    is_intact,
    older,
    orders_root,
    point,
    published,
    read_manifest,
    read_verified,
    remove,
    sweep,
    way_home,
    write_run,
)
from common.publish.export_lists import exception_files, manifest
from common.publish.export_stage import _add_report, _publisher
from common.publish.release import decide, unrecorded
from common.report.index import nights
from common.stages import Built


class Output(Namespace):
    """Settings as far as the output directory goes."""

    def path(self, key):
        assert key == "paths.output"
        return self.output


@pytest.fixture
def settings(tmp_path):
    return Output(output=tmp_path / "Ausgänge für Lieferanten")


@pytest.fixture
def root(settings):
    return orders_root(settings)


def export(root, run_id, files):
    directory = write_run(root, DAY, run_id, files)
    point(root, DAY, directory)
    return directory


def content_of(run_id):
    """Twenty files that all name the run: a mixture of two runs would show."""
    return {f"S{n:02}.json": f"{run_id}\n".encode() * 50 for n in range(20)}


def test_the_link_is_relative_so_that_the_output_can_be_moved(root, tmp_path):
    export(root, 7, content_of(7))
    assert os.readlink(root / "2017-12-23") == ".runs/2017-12-23/7"
    root.parent.rename(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "supplier_orders" / "2017-12-23" / "S00.json").read_bytes() == b"7\n" * 50


def test_nothing_is_visible_before_the_link(root):
    write_run(root, DAY, 7, content_of(7))
    assert published(root, DAY) is None
    assert [entry for entry in os.listdir(root) if not entry.startswith(".")] == []


@pytest.mark.parametrize("by_link", [True, False], ids=["link", "pointer file"])
def test_from_a_report_the_index_is_found(root, by_link):
    directory = write_run(root, DAY, 1, content_of(1))
    point(root, DAY, directory, by_link=by_link)
    place = f"{DAY}" if by_link else directory.relative_to(root).as_posix()
    assert os.path.normpath(f"{place}/{way_home(by_link=by_link)}/index.html") == "index.html"  # as a browser resolves it


def test_whether_there_are_links_is_what_the_file_system_says(root, monkeypatch):
    assert has_links(root, DAY)
    monkeypatch.setattr(os, "symlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError(errno.EPERM, "no links here")))
    assert not has_links(root, DAY)
    assert not list(root.glob(".*.new"))


@pytest.mark.parametrize("by_link", [True, False], ids=["link", "pointer file"])
def test_a_reader_sees_one_run_or_the_other(root, by_link):
    directories = [write_run(root, DAY, run_id, content_of(run_id)) for run_id in (1, 2)]
    point(root, DAY, directories[0], by_link=by_link)
    stop, seen = threading.Event(), []

    def read():
        while not stop.is_set():
            # resolved once, as a reader does that copies the directory
            directory = published(root, DAY)
            seen.append({(directory / name).read_bytes() for name in sorted(os.listdir(directory))})

    reader = threading.Thread(target=read)
    reader.start()
    for swap in range(400):
        point(root, DAY, directories[(swap + 1) % 2], by_link=by_link)
    stop.set()
    reader.join()
    assert len(seen) > 20
    assert {frozenset(one) for one in seen} == {frozenset({b"1\n" * 50}), frozenset({b"2\n" * 50})}


def test_a_pointer_file_takes_the_links_place(root):
    directory = write_run(root, DAY, 7, content_of(7))
    point(root, DAY, directory, by_link=False)
    assert (root / "2017-12-23.pointer").read_text() == ".runs/2017-12-23/7\n"
    assert published(root, DAY) == directory and not (root / "2017-12-23").exists()


def test_what_stands_in_the_links_place_is_never_removed(root):
    (root / "2017-12-23").mkdir(parents=True)
    (root / "2017-12-23" / "mine.txt").write_text("kept")
    with pytest.raises(CannotWrite, match="not the link of an export"):
        published(root, DAY)
    with pytest.raises(CannotWrite):
        export(root, 7, content_of(7))
    assert (root / "2017-12-23" / "mine.txt").read_text() == "kept"


def test_a_failed_write_leaves_nothing_and_the_old_files_stay(root):
    export(root, 1, content_of(1))
    too_long = content_of(2) | {"x" * 300: b"no file system takes this name"}
    with pytest.raises(CannotWrite) as failure:
        write_run(root, DAY, 2, too_long)
    assert failure.value.exit_code == 73 and "x" * 300 in failure.value.where
    assert os.listdir(root / ".runs" / "2017-12-23") == ["1"]
    assert (root / "2017-12-23" / "S00.json").read_bytes() == b"1\n" * 50


def test_a_run_that_is_told_to_end_while_it_waits_for_its_report_releases_nothing(root):
    page: Future[bytes] = Future()
    page.result = lambda: (_ for _ in ()).throw(Stopped("stopped by SIGTERM"))
    with pytest.raises(Stopped):
        _add_report(Namespace(say=print), root, root / "1", page, Built())


@pytest.mark.parametrize("by_link", [True, False])
def test_a_run_that_has_lost_the_date_does_not_point(root, by_link):
    def lost():
        raise TryAgain("lost")

    first, second = (write_run(root, DAY, run, {"S1.json": b"{}"}) for run in (7, 8))
    point(root, DAY, first, by_link=by_link)
    before = sorted(os.listdir(root))
    with pytest.raises(TryAgain):
        point(root, DAY, second, by_link=by_link, may_publish=lost)
    assert published(root, DAY) == first and sorted(os.listdir(root)) == before


def test_a_run_that_loses_the_date_after_its_link_leaves_the_record_to_the_next(root):
    answers = iter([None, TryAgain("lost")])

    def may_publish():
        if answer := next(answers):
            raise answer

    directory = write_run(root, DAY, 7, {"S1.json": b"{}"})
    with pytest.raises(TryAgain):
        _publisher(Namespace(day=DAY, run_id=7), root, directory, [], {})(may_publish)
    assert published(root, DAY) == directory


def test_an_output_that_is_a_file_cannot_be_written(settings, root):
    settings.output.write_text("not a folder")
    with pytest.raises(CannotWrite, match="can't write the export"):
        write_run(root, DAY, 1, content_of(1))


def test_a_run_number_that_comes_again_gets_a_directory_of_its_own(root):
    first, second = export(root, 1, content_of(1)), export(root, 1, content_of(2))
    assert (first.name, second.name) == ("1", "1-2")
    assert published(root, DAY) == second and first.is_dir()


def test_sweep_removes_what_never_published(settings, root):
    export(root, 1, content_of(1))
    write_run(root, DAY, 2, content_of(2))
    export(root, 3, content_of(3))
    write_run(root, DAY, 4, content_of(4))
    (root / ".2017-12-23.4.new").symlink_to(".runs/2017-12-23/4")
    (root / ".2017-12-24.5.new").symlink_to(".runs/2017-12-24/5")
    assert sweep(settings, DAY, {"1"}) == ["2", "4", ".2017-12-23.4.new"]
    assert sorted(os.listdir(root / ".runs" / "2017-12-23")) == ["1", "3"]
    assert os.path.islink(root / ".2017-12-24.5.new"), "another date's is not ours to remove"
    assert sweep(settings, DAY, set()) == ["1"], "the directory that counts always stays"


def test_sweep_before_the_first_export_finds_nothing(settings):
    assert sweep(settings, DAY, set()) == []


def test_retention_removes_old_directories_that_do_not_count(settings, root):
    for run_id in (1, 2, 3):
        export(root, run_id, content_of(run_id))
    runs = root / ".runs" / "2017-12-23"
    for name in ("1", "3"):
        os.utime(runs / name, (1000, 1000))
    (root / ".runs" / "no date" / "1").mkdir(parents=True)
    os.utime(root / ".runs" / "no date" / "1", (1000, 1000))
    found = list(older(settings, 2000))
    assert found == [(DAY, runs / "1")], "2 is not old, 3 is what counts"
    remove(found[0][1])
    assert sorted(os.listdir(runs)) == ["2", "3"]
    assert not list(older(Output(output=root / "nothing"), 2000))


def exported(root, run_id=7):
    decisions = decide(orders(line(), line("S2")), {})
    names = {d.supplier_id: f"{d.supplier_id}.json" for d in decisions}
    files = {names[d.supplier_id]: d.data for d in decisions} | exception_files(DAY, ["code"], [("no_supplier",)])
    files[MANIFEST] = manifest(DAY, run_id, decisions, names, files, 1, {})
    return export(root, run_id, files)


def test_what_is_not_ordered_any_more_and_was_sent_is_told(settings, root):
    decision = {"supplier_id": "S0042", "sku": "1029743", "outcome": "enough_stock"}
    assert sent_line(settings, DAY, None, decision) == (None, [])
    exported(root)
    file = root / "2017-12-23" / "S0042.json"
    said = [f"the exported order {file} has 60 of it still: ./submit.sh export_orders {DAY} --revise"]
    assert sent_line(settings, DAY, None, decision) == (None, said)
    for other in ({"sku": "1"}, {"supplier_id": "S1"}, {"supplier_id": None}):
        assert sent_line(settings, DAY, None, decision | other) == (None, [])


def test_an_altered_file_is_seen(root):
    directory = exported(root)
    assert is_intact(directory)
    assert read_verified(directory, "S2.json").startswith(b"{\n")
    file = directory / "S2.json"
    data = file.read_bytes()
    file.write_bytes(data.replace(b"138.60", b"138.61"))
    assert not is_intact(directory)
    with pytest.raises(BadData, match="not what its manifest says"):
        read_verified(directory, "S2.json")
    file.unlink()
    assert not is_intact(directory)
    file.write_bytes(data)
    assert is_intact(directory)
    (directory / "report.html").write_text("made again, and none of the files")
    assert is_intact(directory)
    (directory / "stray.json").write_text("{}")
    assert not is_intact(directory)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"\xff" + data,
        lambda data: b"[]",
        lambda data: b"{}",
        lambda data: data.replace(b'"revision"', b'"version"'),
        lambda data: data.replace(b'"totals"', b'"total"'),
        lambda data: None,
    ],
    ids=["empty", "cut off", "no UTF-8", "a list", "no keys", "an order without revision", "no totals", "removed"],
)
def test_a_damaged_manifest_stops_with_what_where_and_what_to_type(root, damage):
    directory = exported(root)
    file = directory / MANIFEST
    data = damage(file.read_bytes())
    file.write_bytes(data) if data is not None else file.unlink()
    assert not is_intact(directory)
    looks = [lambda: read_manifest(directory), lambda: unrecorded(directory, DAY, {})]
    looks.append(lambda: read_verified(directory, "S2.json"))
    if b'"totals"' not in (data or b""):
        looks.append(lambda: nights(root))  # the index of the nights reads no more than the totals
    for look in looks:
        with pytest.raises(BadData, match="the manifest of an export can't be read") as stopped:
            look()
        assert stopped.value.where == str(file)
        assert f"move {root / '2017-12-23'} away" in stopped.value.next and "export_orders 2017-12-23" in stopped.value.next


def test_the_manifest_lists_every_file_of_the_run(root):
    directory: Path = exported(root)
    on_disk = {name: (directory / name).read_bytes() for name in os.listdir(directory)}
    text = on_disk.pop(MANIFEST).decode()
    for entry in describe(on_disk):
        assert entry["sha256"] in text and f'"{entry["name"]}"' in text
    assert '"run_id": 7' in text and '"exceptions": 1' in text and '"cost": {"USD": "277.20"}' in text
    assert not any(b"run" in data for data in on_disk.values()), "only the manifest names the run"
