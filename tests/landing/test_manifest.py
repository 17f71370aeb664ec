"""The manifest: equal content is equal bytes; names that could do harm are refused."""

from datetime import date

import pytest

from common.errors import BadData
from common.landing.describe import Piece, RawFile
from common.landing.manifest import Manifest, is_safe_name, parse_manifest

FILE = RawFile("a.csv", 3, 1, "ab", (Piece(3, 1, "ab"),))
OTHER = RawFile("B.jsonl.gz", 3, 1, "cd", (Piece(3, 1, "cd"),))


def test_it_survives_being_written():
    manifest = Manifest("orders", date(2017, 12, 23), (FILE, OTHER))
    again = parse_manifest(manifest.to_bytes(), "here")
    assert set(again.files) == {FILE, OTHER} and again.fingerprint == manifest.fingerprint


def test_the_order_of_files_does_not_matter_but_their_content_does():
    day = date(2017, 12, 23)
    assert Manifest("stock", day, (FILE, OTHER)).fingerprint == Manifest("stock", day, (OTHER, FILE)).fingerprint
    assert Manifest("stock", day, (FILE,)).fingerprint != Manifest("stock", day, (OTHER,)).fingerprint


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"version": 2}', b"\xff"])
def test_what_is_no_manifest_is_bad_data(data):
    with pytest.raises(BadData, match="manifest"):
        parse_manifest(data, "here")


@pytest.mark.parametrize("name", ["a.csv", "store_0367.jsonl", "a.json", "a.csv.gz", "Läden 7 (neu).jsonl", "x.y.csv"])
def test_safe_names(name):
    assert is_safe_name(name)


@pytest.mark.parametrize("name", [
    "a.txt", "a.csv.bz2", ".a.csv", "_a.csv", "a.csv._COPYING_", "../a.csv", "a/b.csv", "a\\b.csv", "a:b.csv", "a\nb.csv",
    "a*.csv", "a?.csv", "{a}.csv", "", "csv", "a.CSV", "x" * 250 + ".csv", "a\u200bb.csv",
])  # fmt: skip
def test_unsafe_names(name):
    assert not is_safe_name(name)
