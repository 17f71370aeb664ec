"""Small generated nights, and what they came to."""

import gzip
import hashlib
import json

SIZE = ("--stores", "6", "--orders", "300", "--skus", "120", "--warehouses", "3", "--replace-master")
DIRTY = "2031-03-05"  # a night with faults of every kind


def first_night(submit, settings, day, seed):
    """Generates a date with faults and runs its night; its order files."""
    assert submit("generate", day, *SIZE, "--dirty", "2", "--seed", seed).returncode == 0
    night = submit("all", day)
    assert night.returncode == 0, night.stderr
    return orders_of(settings, day)


def files_of(output, day):
    """Name and bytes of each order file and list of exceptions; what names runs, manifest and report, is left out."""
    files = sorted((output / "supplier_orders" / day).iterdir())
    return {f.name: f.read_bytes() for f in files if not f.name.startswith("_") and f.suffix != ".html"}


def orders_of(settings, day):
    """The same with the SHA-256 of each."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in files_of(settings.path("paths.output"), day).items()}


# three nights that depend on each other, with receipts on the second
FIRST, SECOND, THIRD = "2033-05-02", "2033-05-03", "2033-05-04"
THREE = ("--stores", "4", "--orders", "150", "--skus", "60", "--warehouses", "2", "--seed", "11")
FIELDS = ("receipt_id", "order_number", "sku", "quantity", "received_on", "is_final")


def lines_of(settings, day):
    """(order number, SKU) -> units, from the order files of a date."""
    folder = settings.path("paths.output") / "supplier_orders" / day
    files = json.loads((folder / "_manifest.json").read_text())["orders"]
    orders = [json.loads((folder / entry["file"]).read_text()) for entry in files]
    return {(order["order_number"], line["sku"]): line["order_qty"] for order in orders for line in order["lines"]}


def send(settings, day, name, text, kind="receipts"):
    folder = settings.path("paths.inbox") / kind / day
    folder.mkdir(parents=True, exist_ok=True)
    data = gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode()
    (folder / name).write_bytes(data)
    (folder / f"{name}.sha256").write_text(f"{hashlib.sha256(data).hexdigest()}  {name}\n")


def receipts_of(lines):
    """Receipts for the first seven lines, and what a warehouse gets wrong; what must be received of each line."""
    keys = list(lines)[:7]
    units = [lines[key] for key in keys]
    booked = [
        ("R1", keys[0], units[0], False),  # all of it
        ("R2", keys[1], units[1] // 2, False),  # a part
        ("R3", keys[2], units[2] // 2, True),  # a part, and no more will come
        ("R4", keys[3], units[3] + 5, False),  # too much
        ("R5", keys[4], 0, True),  # cancelled by the supplier
        ("R6", keys[5], units[5], False),  # booked by mistake ...
        ("R7", keys[5], -units[5], False),  # ... and taken back
    ]
    rows = [dict(zip(FIELDS, (r, *key, q, SECOND, final), strict=True)) for r, key, q, final in booked]
    strange = [
        {**rows[0], "receipt_id": "R8", "order_number": "20330502-NOBODY"},
        {**rows[0], "receipt_id": "R9", "sku": "NO-SUCH-SKU"},
        {**rows[0], "receipt_id": "R10", "received_on": THIRD},
    ]
    received = dict(zip(keys, [units[0], units[1] // 2, units[2] // 2, units[3] + 5, 0, 0, 0], strict=True))
    return rows, strange, received
