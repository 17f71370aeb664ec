"""What a manifest says of a file: pieces that end with lines, true counts, whole gzip only."""

import gzip
import hashlib
import io
import itertools
import random

import pytest

from common.errors import BadData
from common.landing.describe import Describer, describe

LINES = b"one\ntwo\nthree\n"


def check(name, data, piece_bytes, lines):
    file = describe(name, io.BytesIO(data), piece_bytes)
    assert (file.size, file.lines, file.sha256) == (len(data), lines, hashlib.sha256(data).hexdigest())
    start = 0
    for n, piece in enumerate(file.pieces):
        part = data[start : piece.end]
        assert piece.sha256 == hashlib.sha256(part).hexdigest()
        assert part.endswith(b"\n") or n == len(file.pieces) - 1
        if not file.is_gzip:
            assert piece.lines == part.count(b"\n") + (not part.endswith(b"\n"))
        start = piece.end
    assert start == len(data)
    assert sum(piece.lines for piece in file.pieces) == lines
    return file


def test_a_small_file_is_one_piece():
    assert len(check("a.csv", LINES, 1 << 20, 3).pieces) == 1


def test_a_last_line_without_newline_counts():
    check("a.csv", LINES + b"four", 1 << 20, 4)
    check("a.csv", LINES + b"four", 1, 4)


def test_an_empty_file_has_no_pieces():
    assert check("a.csv", b"", 10, 0).pieces == ()


def test_a_gzip_of_nothing_is_a_piece_without_lines():
    assert len(check("a.csv.gz", gzip.compress(b""), 10, 0).pieces) == 1


@pytest.mark.parametrize("piece_bytes", [1, 3, 4, 5, 8, 13, 14, 100])
def test_pieces_end_at_the_first_newline_from_their_size_on(piece_bytes):
    pieces = check("a.csv", LINES, piece_bytes, 3).pieces
    ends = [0, *(piece.end for piece in pieces)]
    sizes = [end - start for start, end in itertools.pairwise(ends)]
    assert all(size >= piece_bytes for size in sizes[:-1])


def test_a_line_longer_than_a_piece_stays_whole():
    check("a.csv", b"x" * 1000 + b"\n" + LINES, 10, 4)


def test_how_the_bytes_arrive_does_not_matter():
    chance = random.Random(4)
    data = b"".join(b"x" * chance.randrange(30) + b"\n" for _ in range(400)) + b"end"
    whole = describe("a.jsonl", io.BytesIO(data), 100)
    for _ in range(50):
        describer, at = Describer("a.jsonl", 100), 0
        while at < len(data):
            step = chance.randrange(200)
            describer.update(data[at : at + step])
            at += step
        assert describer.finish() == whole


def test_gzip_is_one_piece_with_the_lines_of_its_text():
    assert len(check("a.csv.gz", gzip.compress(LINES + b"four"), 4, 4).pieces) == 1


def test_gzip_of_several_members_and_padding():
    check("a.csv.gz", gzip.compress(LINES) + gzip.compress(b"four\nfi") + gzip.compress(b"ve\n") + b"\0" * 20, 4, 5)


def test_gzip_arriving_byte_by_byte():
    data = gzip.compress(LINES) + gzip.compress(b"four")
    describer = Describer("a.csv.gz", 4)
    for n in range(len(data)):
        describer.update(data[n : n + 1])
    assert describer.finish().lines == 4


WHOLE = gzip.compress(LINES, mtime=0)  # the same test names in every worker


@pytest.mark.parametrize("broken", [
    WHOLE[:-1], WHOLE[:12], b"", b"plain text", WHOLE + b"rubbish",
    WHOLE[:-6] + b"\0" * 6,
])  # fmt: skip
def test_what_is_not_whole_gzip_is_named(broken):
    with pytest.raises(BadData, match=r"a\.csv\.gz"):
        describe("a.csv.gz", io.BytesIO(broken), 100)
