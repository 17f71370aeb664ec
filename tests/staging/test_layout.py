"""How staged files lie: compressed, and by SKU with an index of its pages, so that a query of one SKU skips the rest."""

import io
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from memory import DAY, LINE_BYTES, ORDERS, SKUS, connect, known_of

from common.staging.attempts import parquet
from common.staging.lines import blocks
from common.staging.two_tier import Work, stage


def day_of(count):
    """Orders of four lines each, whose SKUs come in no order."""
    lines = []
    for n in range(count):
        listed = [
            {"line_no": k, "sku": SKUS[(n * 37 + k * 11) % 199], "quantity": k, "unit_price": 1.25} for k in range(1, 5)
        ]
        lines.append(json.dumps({"order_id": f"O{n}", "store_id": "S001", "ordered_at": "2017-12-23T10:00:00", "lines": listed}))
    return "\n".join(lines).encode()


@pytest.mark.parametrize("engine", ["two_tier", "judge"])
def test_a_file_is_compressed_and_lies_by_sku(engine):
    found = blocks("a.jsonl", io.BytesIO(day_of(500)), 0, (), list(ORDERS.kinds), 1 << 20, LINE_BYTES)
    outcome = stage(connect(), Work(ORDERS, DAY, known_of(ORDERS), engine), list(found), np.zeros(0, np.uint64))
    file = pq.ParquetFile(io.BytesIO(parquet(outcome.accepted)))
    assert file.metadata.num_rows == 2000
    columns = [file.metadata.row_group(0).column(n) for n in range(file.metadata.num_columns)]
    assert {column.compression for column in columns} == {"ZSTD"}
    (sku,) = [column for column in columns if column.path_in_schema == "sku"]
    assert sku.has_column_index and sku.has_offset_index
    read = file.read(["sku"])["sku"].to_pylist()
    assert read == sorted(read, key=str.encode) and len(set(read)) > 100
