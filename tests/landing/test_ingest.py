"""Ingest on the real HDFS: what is landed, refused, replaced, adopted, and what a kill leaves."""

import gzip
import hashlib
import secrets
from datetime import date

import pytest

from common.errors import BadData, NoInput, NotAllowed, TryAgain
from common.landing.ingest import Landing
from common.landing.manifest import MANIFEST, read_manifest
from common.settings import load_settings

DAY = date(2026, 1, 5)


@pytest.fixture
def world(hdfs, settings, tmp_path):
    """An inbox and a raw folder of this test's own."""
    mine = load_settings([
        f"paths.inbox={tmp_path}", f"hdfs.raw=/tests/{secrets.token_hex(6)}/raw", "inbox.settle_seconds=0",
        "inbox.manifest_wait_seconds=0",
    ])  # fmt: skip
    yield World(hdfs, mine, tmp_path / "orders" / str(DAY))
    hdfs.delete(mine["hdfs.raw"].removesuffix("/raw"))


class World:
    def __init__(self, hdfs, settings, inbox):
        self.hdfs, self.settings, self.inbox = hdfs, settings, inbox
        self.folder = f"{settings['hdfs.raw']}/orders/{DAY}"
        self.said = []

    def send(self, name, data, checksum=None):
        self.inbox.mkdir(parents=True, exist_ok=True)
        (self.inbox / name).write_bytes(data)
        if checksum:
            (self.inbox / f"{name}.sha256").write_text(f"{checksum}  {name}\n")

    @property
    def landing(self):
        return Landing(self.hdfs, "orders", DAY, self.settings, self.said.append)

    def ingest(self, **options):
        return self.landing.ingest(**options)

    def manifest(self):
        return read_manifest(self.hdfs, "orders", DAY, self.settings)

    def names(self, folder=None):
        return [e.name for e in self.hdfs.list(folder or self.folder)]


def test_files_land_whole_with_a_manifest(world):
    world.send("a.jsonl", b'{"x": 1}\n{"x": 2}\n')
    world.send("b.csv.gz", gzip.compress(b"h\n1\n2\n"))
    landed = world.ingest()
    assert set(landed.new) == {"a.jsonl", "b.csv.gz"}
    assert [(f.name, f.lines) for f in world.manifest().files] == [("a.jsonl", 2), ("b.csv.gz", 3)]
    assert world.names() == [MANIFEST, "a.jsonl", "b.csv.gz"]
    assert world.hdfs.read(f"{world.folder}/a.jsonl") == b'{"x": 1}\n{"x": 2}\n'


def test_the_same_files_again_are_nothing_to_do(world):
    world.send("a.jsonl", b"1\n")
    first = world.ingest().manifest
    written = world.hdfs.stat(f"{world.folder}/{MANIFEST}").modified_ms
    again = world.ingest()
    assert (again.new, again.replaced, again.unchanged, again.manifest) == ((), (), 1, first)
    assert world.hdfs.stat(f"{world.folder}/{MANIFEST}").modified_ms == written


def test_late_files_join(world):
    world.send("a.jsonl", b"1\n")
    before = world.ingest().manifest.fingerprint
    world.send("b.jsonl", b"2\n")
    late = world.ingest()
    assert late.new == ("b.jsonl",) and late.unchanged == 1
    assert world.manifest().fingerprint == late.manifest.fingerprint != before


def test_what_left_the_inbox_stays_landed(world):
    world.send("a.jsonl", b"1\n")
    world.ingest()
    (world.inbox / "a.jsonl").unlink()
    world.send("b.jsonl", b"2\n")
    world.ingest()
    assert [f.name for f in world.manifest().files] == ["a.jsonl", "b.jsonl"]


def test_changed_content_is_refused_and_replaced_only_when_told(world):
    world.send("a.jsonl", b"old\n")
    world.send("b.jsonl", b"same\n")
    before = world.ingest().manifest
    world.send("a.jsonl", b"new\n")
    world.send("c.jsonl", b"late\n")
    with pytest.raises(NotAllowed, match=r"a\.jsonl"):
        world.ingest()
    assert world.manifest() == before and world.names() == [MANIFEST, "a.jsonl", "b.jsonl"]
    landed = world.ingest(replace_changed=True)
    assert (landed.new, landed.replaced, landed.unchanged) == (("c.jsonl",), ("a.jsonl",), 1)
    assert world.hdfs.read(f"{world.folder}/a.jsonl") == b"new\n"
    kept = f"a.jsonl.{hashlib.sha256(b'old' + bytes([10])).hexdigest()[:8]}"
    aside = f"{world.settings['hdfs.raw']}/.replaced/orders/{DAY}"
    assert world.names(aside) == [kept] and world.hdfs.read(f"{aside}/{kept}") == b"old\n"
    assert world.manifest().fingerprint != before.fingerprint


def test_what_a_killed_ingest_left_unlisted_is_replaced_too(world):
    world.hdfs.write(f"{world.folder}/a.jsonl", b"old\n")
    world.send("a.jsonl", b"new\n")
    with pytest.raises(NotAllowed, match=r"a\.jsonl"):
        world.ingest()
    assert world.ingest(replace_changed=True).replaced == ("a.jsonl",)
    assert world.hdfs.read(f"{world.folder}/a.jsonl") == b"new\n"
    assert len(world.names(f"{world.settings['hdfs.raw']}/.replaced/orders/{DAY}")) == 1


def test_a_file_that_should_not_have_come_is_withdrawn(world):
    world.send("a.jsonl", b"1\n")
    world.send("b.jsonl", b"2\n")
    world.ingest()
    with pytest.raises(NotAllowed, match="lies in the inbox still"):
        world.landing.withdraw(["b.jsonl"])
    with pytest.raises(NoInput, match=r"c\.jsonl"):
        world.landing.withdraw(["c.jsonl"])
    (world.inbox / "b.jsonl").unlink()
    for _ in ("lies there", "was removed from HDFS before"):
        assert world.landing.withdraw(["b.jsonl"]).replaced == ("b.jsonl",)
        assert [f.name for f in world.manifest().files] == ["a.jsonl"] == world.names()[1:]
        (world.inbox / "b.jsonl").write_bytes(b"2\n")
        world.ingest()
        (world.inbox / "b.jsonl").unlink()
        world.hdfs.delete(f"{world.folder}/b.jsonl")
        with pytest.raises(BadData, match=r"b\.jsonl is listed and not there") as failure:
            world.manifest()
        assert f"./submit.sh ingest {DAY} --kind orders --withdraw b.jsonl" in str(failure.value)
    assert len(world.names(f"{world.settings['hdfs.raw']}/.replaced/orders/{DAY}")) == 1


def test_a_wrong_checksum_lands_nothing(world):
    world.send("a.jsonl", b"1\n", checksum="0" * 64)
    world.send("b.jsonl", b"2\n")
    with pytest.raises(BadData, match=r"a\.jsonl"):
        world.ingest()
    assert not world.hdfs.exists(world.folder)


def test_a_cut_off_gzip_is_named_and_leaves_nothing_unfinished(world):
    world.send("a.csv.gz", gzip.compress(b"h\n1\n")[:-4])
    with pytest.raises(BadData, match=r"a\.csv\.gz"):
        world.ingest()
    assert world.names() == []


def test_a_file_still_arriving_lets_the_others_land_and_says_try_again(world):
    world.send("a.jsonl", b"1\n")
    world.send("b.jsonl.part", b"2")
    with pytest.raises(TryAgain, match=r"b\.jsonl\.part"):
        world.ingest()
    assert [f.name for f in world.manifest().files] == ["a.jsonl"]


def test_an_empty_folder_is_an_empty_day(world):
    world.inbox.mkdir(parents=True)
    world.ingest()
    assert world.manifest().files == ()


def test_no_folder_is_no_input_unless_the_date_has_landed(world):
    with pytest.raises(NoInput) as failure:
        world.ingest()
    assert f"retailer {DAY}" in str(failure.value)
    world.send("a.jsonl", b"1\n")
    world.ingest()
    for file in world.inbox.iterdir():
        file.unlink()
    world.inbox.rmdir()
    assert world.ingest().unchanged == 1


def test_a_foreign_file_stops_and_can_be_adopted(world):
    world.send("a.jsonl", b"1\n")
    world.ingest()
    world.hdfs.write(f"{world.folder}/by_hand.csv", b"h\n1\n")
    for attempt in (world.ingest, world.manifest):
        with pytest.raises(BadData, match=r"by_hand\.csv"):
            attempt()
    adopted = world.landing.adopt()
    assert adopted.new == ("by_hand.csv",) and adopted.unchanged == 1
    assert [f.name for f in world.manifest().files] == ["a.jsonl", "by_hand.csv"]


def test_adopt_makes_a_manifest_where_there_is_none(world):
    world.hdfs.write(f"{world.folder}/a.jsonl", b"1\n2\n")
    with pytest.raises(BadData, match=MANIFEST) as failure:
        world.manifest()
    assert f"./submit.sh ingest {DAY} --adopt --kind orders" in str(failure.value)
    world.landing.adopt()
    assert world.manifest().lines == 2


def test_adopt_refuses_what_was_landed_with_other_content(world):
    world.send("a.jsonl", b"1\n")
    world.ingest()
    world.hdfs.write(f"{world.folder}/a.jsonl", b"changed by hand\n", overwrite=True)
    with pytest.raises(NotAllowed, match=r"a\.jsonl"):
        world.landing.adopt()
    assert world.landing.adopt(replace_changed=True).replaced == ("a.jsonl",)


@pytest.mark.parametrize("name", ["notes.txt", "_a.csv"])
def test_adopt_refuses_a_misnamed_file(world, name):
    world.hdfs.write(f"{world.folder}/{name}", b"1\n")
    with pytest.raises(BadData, match=name):
        world.landing.adopt()


def test_an_upload_in_flight_stops_the_reader(world):
    world.send("a.jsonl", b"1\n")
    world.ingest()
    world.hdfs.write(f"{world.folder}/b.jsonl._COPYING_", b"2")
    with pytest.raises(BadData, match="in flight"):
        world.manifest()
    with pytest.raises(TryAgain, match="in flight"):
        world.landing.adopt()


def test_another_size_or_a_lost_file_stops_the_reader(world):
    world.send("a.jsonl", b"1\n")
    world.ingest()
    world.hdfs.write(f"{world.folder}/a.jsonl", b"longer\n", overwrite=True)
    with pytest.raises(BadData, match=r"a\.jsonl has 7 bytes"):
        world.manifest()
    world.hdfs.delete(f"{world.folder}/a.jsonl")
    with pytest.raises(BadData, match=r"a\.jsonl is listed and not there"):
        world.manifest()


def test_a_kill_before_the_manifest_is_made_good_by_the_same_command(world):
    world.send("a.jsonl", b"1\n")
    world.send("b.jsonl", b"2\n")
    world.hdfs.write(f"{world.folder}/a.jsonl", b"1\n")  # renamed, not yet listed
    world.hdfs.write(f"{world.folder}/.b.jsonl.1234abcd._COPYING_", b"2")  # half written
    landed = world.ingest()
    assert (landed.new, landed.unchanged) == (("b.jsonl",), 1)
    assert world.names() == [MANIFEST, "a.jsonl", "b.jsonl"]


def test_a_kill_while_replacing_is_made_good_by_the_same_command(world):
    world.send("a.jsonl", b"old\n")
    old = world.ingest().manifest.files[0]
    world.send("a.jsonl", b"new one\n")
    aside = f"{world.settings['hdfs.raw']}/.replaced/orders/{DAY}"
    world.hdfs.mkdirs(aside)
    world.hdfs.rename(f"{world.folder}/a.jsonl", f"{aside}/a.jsonl.{old.sha256[:8]}")  # moved aside, nothing put in its place
    world.ingest(replace_changed=True)
    assert world.hdfs.read(f"{world.folder}/a.jsonl") == b"new one\n"
    assert world.hdfs.read(f"{aside}/a.jsonl.{old.sha256[:8]}") == b"old\n"
    assert world.manifest().files[0].size == 8
