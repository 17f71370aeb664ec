"""What counts as arrived: a checksum file, or rest; nothing misnamed."""

import hashlib
import os
import time

import pytest

from common.errors import BadData, NoInput
from common.landing.inbox import arrivals


def put(folder, name, data=b"x\n", age=0, checksum=False):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    os.utime(folder / name, (time.time() - age,) * 2)
    if checksum:
        (folder / f"{name}.sha256").write_text(f"{hashlib.sha256(data).hexdigest()}  {name}\n")


def test_no_folder_is_not_an_empty_one(tmp_path):
    assert arrivals(tmp_path / "none", 0) is None
    assert arrivals(tmp_path, 0).complete == {}


def test_a_checksum_makes_a_file_complete_at_once(tmp_path):
    put(tmp_path, "a.csv", checksum=True)
    put(tmp_path, "b.csv")
    found = arrivals(tmp_path, 60, wait=False)
    assert list(found.complete) == ["a.csv"] and found.arriving == ["b.csv"]


def test_a_file_at_rest_is_complete(tmp_path):
    put(tmp_path, "a.csv", age=61)
    assert list(arrivals(tmp_path, 60, wait=False).complete) == ["a.csv"]


def test_a_file_that_comes_to_rest_is_waited_for(tmp_path):
    put(tmp_path, "a.csv")
    assert list(arrivals(tmp_path, 1).complete) == ["a.csv"]


@pytest.mark.parametrize("name", [".a.csv.part", ".a.csv.Xy12ab", "a.csv.tmp", "a.csv._COPYING_", "a.csv.filepart"])
def test_temporary_names_are_uploads_in_progress(tmp_path, name):
    put(tmp_path, name, age=1000)
    assert arrivals(tmp_path, 0, wait=False).arriving == [name]


def test_a_checksum_without_its_file_says_that_the_file_is_coming(tmp_path):
    put(tmp_path, "a.csv", checksum=True)
    (tmp_path / "a.csv").unlink()
    assert arrivals(tmp_path, 0, wait=False).arriving == ["a.csv"]


def test_a_new_empty_folder_may_still_be_filled(tmp_path):
    assert arrivals(tmp_path, 60, wait=False).arriving
    os.utime(tmp_path, (time.time() - 61,) * 2)
    assert not arrivals(tmp_path, 60, wait=False).arriving


@pytest.mark.parametrize("name", ["notes.txt", "a.CSV", "a*.csv", "_a.csv"])
def test_a_misnamed_file_is_named(tmp_path, name):
    put(tmp_path, name, age=1000)
    with pytest.raises(BadData) as failure:
        arrivals(tmp_path, 0)
    assert repr(name) in str(failure.value)


def test_a_link_or_a_folder_is_no_file(tmp_path):
    put(tmp_path, "a.csv", age=1000)
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    with pytest.raises(BadData, match=r"b\.csv"):
        arrivals(tmp_path, 0)


def test_a_checksum_file_without_a_checksum(tmp_path):
    put(tmp_path, "a.csv")
    (tmp_path / "a.csv.sha256").write_text("sorry\n")
    with pytest.raises(BadData, match="SHA-256"):
        arrivals(tmp_path, 0)


def test_a_checksum_that_is_just_being_replaced_makes_its_file_wait(tmp_path):
    put(tmp_path, "a.csv", age=1000)
    (tmp_path / "a.csv.sha256").symlink_to(tmp_path / "gone")
    assert arrivals(tmp_path, 0, wait=False).arriving == ["a.csv"]


def test_a_checksum_that_can_t_be_read_and_a_file_that_has_gone(tmp_path):
    put(tmp_path, "a.csv", age=1000)
    found = arrivals(tmp_path, 0)
    (tmp_path / "a.csv.sha256").mkdir()
    with pytest.raises(NoInput, match=r"a\.csv or its checksum can't be read"):
        arrivals(tmp_path, 0)
    (tmp_path / "a.csv").unlink()
    for use in (found.sha256, found.open, found.size):
        with pytest.raises(NoInput, match=r"a\.csv can't be read"):
            use("a.csv")


def test_a_wrong_checksum_is_told_with_both(tmp_path):
    put(tmp_path, "a.csv", checksum=True)
    (tmp_path / "a.csv").write_bytes(b"y\n")
    with pytest.raises(BadData, match=r"a\.csv is not what its sender sent"):
        arrivals(tmp_path, 0).sha256("a.csv")
