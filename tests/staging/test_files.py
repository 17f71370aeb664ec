"""Files as wholes: encodings, headers, pieces, checksums, gzip, and lines of any length in bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import io
from decimal import Decimal
from pathlib import Path

import pytest

from common.errors import BadData
from common.landing.describe import Piece, RawFile, describe
from common.staging.counts import check_limits
from common.staging.feeds import ORDERS, RECEIPTS, STOCK
from common.staging.lines import chunks, csv_header
from common.staging.pieces import BLOCKS_A_TASK, pieces_of, read, read_ahead, share_out
from tests.staging.memory import both, run
from tests.staging.test_judge import CLEAN, HEADER, ROW

COLUMNS = list(ORDERS.kinds)


class Folder:
    """A local folder, read as HDFS is read."""

    def open(self, path):
        return Path(path).open("rb")

    def read_range(self, path, offset, length):
        with Path(path).open("rb") as file:
            file.seek(offset)
            return file.read(length)


def land(folder, name, data, piece_bytes=1 << 20):
    """The pieces of a file as its manifest says them."""
    (folder / name).write_bytes(data)
    return pieces_of(str(folder), [describe(name, io.BytesIO(data), piece_bytes)], COLUMNS)


def lines_of(pieces, size=1 << 20):
    return [block for piece in pieces for block in read(Folder(), piece, COLUMNS, size, 1 << 20)]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (CLEAN.encode("utf-16"), "UTF-16"),
        (CLEAN.encode("utf-16-be"), "NUL"),
        (CLEAN.encode("utf-32-le"), "NUL"),
        (CLEAN.encode() + b"\n" + CLEAN.encode().replace(b'"A"', b'"A\0"'), "NUL"),
        (f"[\n{CLEAN},\n{CLEAN}\n]".encode(), "array or pretty-printed"),
        (f"[{CLEAN},\n{CLEAN}]".encode(), "array or pretty-printed"),
        (f"[{CLEAN}, {CLEAN}]\n".encode(), "array or pretty-printed"),
        (b'{\n  "order_id": "A"\n}\n', "array or pretty-printed"),
    ],
)
def test_a_json_file_that_stops(data, says):
    with pytest.raises(BadData, match=says) as failure:
        run({"a.jsonl": data})
    assert "a.jsonl" in str(failure.value)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b"order_id,store_id,ordered_at,line_no,sku,quantity\n", "lacks unit_price"),
        (ROW.encode() + b"\n", "lacks order_id"),
        (b"\n", "lacks order_id"),
        (HEADER.replace(b"sku", b"sku,order_id"), "twice"),
        (HEADER.replace(b"sku", b'"sku'), "does not begin with a CSV header"),
        (HEADER.replace(b"sku", b"SKU"), "lacks sku"),
        (HEADER.replace(b",", b";"), "lacks order_id"),
    ],
)
def test_a_csv_header_that_stops(header, says):
    with pytest.raises(BadData, match=says) as failure:
        run({"a.csv": header + ROW.encode()})
    assert "a.csv" in str(failure.value)


def test_a_whole_array_as_first_line_is_that_line_s_fault_alone():
    result = both({"a.jsonl": f"[{CLEAN}]\n{CLEAN}\n".encode()})
    assert (len(result.accepted), result.reasons()) == (1, [["not_an_object"]])


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_byte_order_mark_is_stripped(name):
    data = CLEAN.encode() if name == "a.jsonl" else HEADER + ROW.encode()
    result = both({name: b"\xef\xbb\xbf" + data})
    assert len(result.accepted) == 1
    assert not result.counts[name].extra


def test_blank_lines_keep_the_numbers_true():
    result = both({"a.jsonl": f"\n\n{CLEAN}\n \n".encode(), "b.csv": HEADER + b"\n" + ROW.replace("A", "B", 1).encode() + b"\n"})
    assert [(r[7], r[8]) for r in result.accepted] == [("a.jsonl", 3), ("b.csv", 3)]
    assert result.counts["a.jsonl"].blank == 3


def test_a_store_without_orders_sends_no_line():
    assert run({"a.jsonl": b"", "c.csv": HEADER}).accepted == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.csv.gz"])
@pytest.mark.parametrize("feed", [ORDERS, STOCK, RECEIPTS], ids=lambda f: f.table)
@pytest.mark.parametrize("text", [b"", b"\xef\xbb\xbf", b"\n"], ids=["nothing", "mark", "newline"])
def test_an_empty_csv_lacks_its_header_and_an_empty_json_file_lacks_nothing(tmp_path, name, feed, text):
    data, columns = gzip.compress(text) if name.endswith("gz") else text, list(feed.kinds)
    (tmp_path / name).write_bytes(data)

    def lines():
        pieces = pieces_of(str(tmp_path), [describe(name, io.BytesIO(data), 1 << 20)], columns)
        return [block for piece in pieces for block in read(Folder(), piece, columns, 1 << 20, 1 << 20)]

    if "json" in name:
        assert sum(len(block.data.strip()) for block in lines()) == 0
    else:
        with pytest.raises(BadData, match=f"{name}: the header lacks {columns[0]}"):
            lines()


def test_columns_in_another_order_and_more_of_them():
    text = b"note,unit_price,quantity,sku,line_no,ordered_at,store_id,order_id\nx,5.71,3,SKU-0001,1,2017-12-23T07:18:14,S001,A\n"
    result = both({"a.csv": text})
    assert [(*r[:3], *r[4:7]) for r in result.accepted] == [("A", 1, "S001", "SKU-0001", 3, Decimal("5.71"))]
    assert result.counts["a.csv"].extra == {"note"}


def test_header_may_be_quoted():
    assert csv_header("a.csv", b'"a","b,c"\r', ["a"]) == ("a", "b,c")


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
def test_chunks_are_the_file_again(size):
    data = b"".join(b"x" * n + b"\n" for n in (0, 3, 50, 1, 0, 9)) + b"end"
    found = list(chunks(io.BytesIO(data), size, 100))
    assert b"".join(found) == data
    assert all(chunk.endswith(b"\n") for chunk in found[:-1])


def test_a_line_without_end_is_never_held_whole():
    class Endless:
        sent = 0

        def read(self, n, /):
            if self.sent > 50_000_000:
                return b""
            self.sent += n
            return b"x" * n

    (found,) = chunks(Endless(), 100_000, 1000)
    assert found == b"x" * 1001


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.csv.gz"])
@pytest.mark.parametrize("piece_bytes", [200, 1000, 1 << 20])
@pytest.mark.parametrize("size", [100, 1 << 20])
def test_pieces_give_the_same_lines(tmp_path, name, piece_bytes, size):
    lines = [CLEAN.replace('"A"', f'"O{n}"') if "json" in name else ROW.replace("A", f"O{n}", 1) for n in range(40)]
    text = ("" if "json" in name else HEADER.decode()) + "\n".join(lines)
    data = gzip.compress(text.encode()) if name.endswith("gz") else text.encode()
    pieces = land(tmp_path, name, data, piece_bytes)
    assert len(pieces) == 1 if name.endswith("gz") or piece_bytes > 10_000 else len(pieces) > 1
    blocks = lines_of(pieces, size)
    assert b"".join(b.data for b in blocks).decode() == "\n".join(lines)
    first = 0 if "json" in name else 1
    for block in blocks:
        at, found = block.before - first, block.data.decode().rstrip("\n").split("\n")
        assert found == lines[at : at + len(found)]
    assert {b.header for b in blocks} == ({()} if "json" in name else {tuple(COLUMNS)})


def test_gzip_of_several_members(tmp_path):
    data = gzip.compress(CLEAN.encode() + b"\n") + gzip.compress(CLEAN.encode() + b"\n")
    assert b"".join(b.data for b in lines_of(land(tmp_path, "a.jsonl.gz", data))).count(b"\n") == 2


def _changed(data, where):
    return data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d[:-5], "too early"),
        (lambda d: _changed(d, 10), "checksum"),
        (lambda d: _changed(d, len(d) - 3), "checksum|gzip"),
        (lambda d: b"", "too early"),
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_bytes_unlike_the_manifest_stop(tmp_path, name, change, says):
    text = "\n".join([CLEAN] * 50).encode()
    data = gzip.compress(text) if name.endswith("gz") else text
    pieces = land(tmp_path, name, data)
    (tmp_path / name).write_bytes(change(data))
    with pytest.raises(BadData, match=says) as failure:
        lines_of(pieces)
    assert name in str(failure.value)


@pytest.mark.parametrize(
    "cut", [lambda d: d[: len(d) // 2], lambda d: d[:-4], lambda d: d + b"rubbish", lambda d: b"no gzip at all"]
)
def test_gzip_that_is_not_whole_stops(tmp_path, cut):
    """Even when the manifest was made for exactly these bytes."""
    data = cut(gzip.compress("\n".join(CLEAN.replace("A", str(n), 1) for n in range(500)).encode()))
    (tmp_path / "a.jsonl.gz").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    described = RawFile("a.jsonl.gz", len(data), 500, digest, (Piece(len(data), 500, digest),))
    with pytest.raises(BadData, match="gzip"):
        lines_of(pieces_of(str(tmp_path), [described], COLUMNS))


def test_another_number_of_lines_stops(tmp_path):
    (piece,) = land(tmp_path, "a.jsonl", CLEAN.encode() + b"\n")
    with pytest.raises(BadData, match="has 1 lines where its manifest says 2"):
        lines_of([type(piece)(**{**vars(piece), "lines": 2})])


def test_misnamed_file_stops(tmp_path):
    with pytest.raises(BadData, match=r"notes\.txt"):
        land(tmp_path, "notes.txt", b"hello")


def test_small_files_share_a_task_and_large_ones_have_several(tmp_path):
    small = [p for n in range(30) for p in land(tmp_path, f"s{n}.jsonl", CLEAN.encode())]
    large = land(tmp_path, "z.jsonl", b"\n".join([CLEAN.encode()] * 100), 2000)
    shares = share_out([*small, *large], 300, 2)
    assert [p for s in shares for p in s] == [*small, *large]
    assert 8 <= len(shares) <= 12
    assert max(sum(p.weight for p in s) for s in shares) <= 300 * BLOCKS_A_TASK + 2000


def test_reading_ahead_gives_every_block_in_order_in_small_batches(tmp_path):
    names = [f"s{n:02d}.jsonl" for n in range(30)]
    pieces = [p for name in names for p in land(tmp_path, name, CLEAN.encode())]
    pieces[10:10] = land(tmp_path, "g.jsonl.gz", gzip.compress("\n".join([CLEAN] * 40).encode()))
    batches = list(read_ahead(Folder(), pieces, COLUMNS, 1000, 1 << 20))
    order = [block.file for batch in batches for block in batch]
    assert list(dict.fromkeys(order)) == [*names[:10], "g.jsonl.gz", *names[10:]]
    assert max(sum(len(block.data) for block in batch) for batch in batches) <= 1250
    assert order.count("g.jsonl.gz") > 3


def test_a_fault_found_while_reading_ahead_is_raised(tmp_path):
    pieces = [p for n in range(9) for p in land(tmp_path, f"s{n}.jsonl", CLEAN.encode())]
    (tmp_path / "s7.jsonl").write_bytes(CLEAN.encode().replace(b"A", b"B"))
    with pytest.raises(BadData, match="s7"):
        list(read_ahead(Folder(), pieces, COLUMNS, 300, 1 << 20))


def test_a_small_day_is_one_task(tmp_path):
    pieces = [p for n in range(3) for p in land(tmp_path, f"s{n}.jsonl", CLEAN.encode())]
    assert share_out(pieces, 1 << 20, 2) == [pieces]
    assert share_out([], 1 << 20, 2) == []


FINE = [ROW.replace("A,", f"F{n},").encode() for n in range(400)]


def orders_beside(*rows, size=1 << 20):
    """A file of 400 clean lines with others among them, staged by both engines."""
    beside = [*FINE[:100], *rows[:1], *FINE[100:], *rows[1:]]
    return both({"a.csv": HEADER + b"\n".join(beside) + b"\n"}, size=size)


def latin(name):
    return ROW.replace("A,", f"{name},").encode("latin-1")


@pytest.mark.parametrize("size", [1 << 20, 2000])  # in one block, and in many
def test_a_file_of_another_encoding_stops_and_names_its_first_such_line(size):
    result = orders_beside(latin("Zoë"), latin("Rosé"), size=size)
    assert result.reasons() == [["not_utf8"]] * 2
    with pytest.raises(BadData, match=r"a\.csv is not UTF-8: 2 lines are beyond ASCII and none of them is") as failure:
        check_limits(ORDERS.table, result.counts, ORDERS.limits, "2017-12-23")
    assert failure.value.where == "a.csv line 102, business date 2017-12-23"
    assert "iconv" in failure.value.next


@pytest.mark.parametrize("size", [1 << 20, 2000])
@pytest.mark.parametrize("rows", [[latin("Zoë")], [latin("Zoë"), latin("Rosé"), ROW.replace("A,", "Chloé,").encode()]])
def test_damaged_lines_of_a_file_in_utf8_are_rejected_alone(rows, size):
    result = orders_beside(*rows, size=size)
    assert {r for reasons in result.reasons() for r in reasons} == {"not_utf8"}
    check_limits(ORDERS.table, result.counts, ORDERS.limits, "2017-12-23")
