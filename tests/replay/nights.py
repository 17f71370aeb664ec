"""Small generated nights, and what they came to."""

import hashlib

SIZE = ("--stores", "6", "--orders", "300", "--skus", "120", "--warehouses", "3", "--replace-master")


def first_night(submit, settings, day, seed):
    """Generates a date with faults and runs its night; its order files."""
    assert submit("generate", day, *SIZE, "--dirty", "2", "--seed", seed).returncode == 0
    night = submit("all", day)
    assert night.returncode == 0, night.stderr
    return orders_of(settings, day)


def orders_of(settings, day):
    """Name and SHA-256 of each order file and list of exceptions; what names runs, manifest and report, is left out."""
    folder = settings.path("paths.output") / "supplier_orders" / day
    files = sorted(f for f in folder.iterdir() if not f.name.startswith("_") and f.suffix != ".html")
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
