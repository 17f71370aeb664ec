"""An archive of the classes that Spark and Delta load, so that a session starts with half the work (Java's CDS).

It is made once for a virtual environment, by a small program that does what a night does, and lies beside the
environment's Java. Without it, or with one that does not fit, Java loads the classes from the jars as ever.

    python -m common.clients.spark_classes FILE      makes the archive (called by `archive`)
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common.settings import ROOT, Settings

_QUIET = "-Xlog:disable -Xlog:all=off"


def flags(settings: Settings, class_path: str) -> str:
    """JVM flags that use the archive, which is made where it is missing; nothing where it can't be made."""
    found = archive(settings, class_path)
    return f"-XX:SharedArchiveFile={found} -Xshare:auto {_QUIET}" if found else ""


def archive(settings: Settings, class_path: str) -> Path | None:
    """The archive of this environment and class path; None when it can't be made or written."""
    from common.lake.java import home

    java = home()
    key = hashlib.sha256(f"{class_path} {os.environ.get('SPARK_CONF_DIR')} {java} {sys.prefix}".encode()).hexdigest()[:12]
    file = java / f"spark-{key}.jsa"
    if file.exists() or os.environ.get(_MAKING):
        return file if file.exists() else None
    with contextlib.suppress(OSError), (java / "spark-classes.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            _make(file, settings)
    return file if file.exists() else None


def _make(file: Path, settings: Settings) -> None:
    print("Preparing Spark's classes, once for this environment", file=sys.stderr, flush=True)
    for left in file.parent.glob("spark-*.[0-9]*"):  # of one that was killed: only the holder of the lock makes any
        left.unlink(missing_ok=True)
    aside = file.with_suffix(f".{os.getpid()}")
    environment = {**os.environ, _MAKING: str(aside), "PYTHONPATH": str(ROOT), "PROCUREMENT_LAKE_DIR": str(settings.lake_dir)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "common.clients.spark_classes"], env=environment, capture_output=True, timeout=300, check=False
        )
        if done.returncode == 0 and aside.exists():
            os.replace(aside, file)
    except subprocess.TimeoutExpired:
        pass
    finally:
        aside.unlink(missing_ok=True)


def making() -> str:
    """JVM flags of the program that makes the archive; nothing in any other."""
    aside = os.environ.get(_MAKING)
    return f"-XX:ArchiveClassesAtExit={aside} {_QUIET}" if aside else ""


def _train() -> None:
    """What a night does with Spark, in small: a Python task, a Delta table, and its JVM seen to its end."""
    import pyarrow as pa

    from common.clients.spark import session
    from common.settings import load_settings

    spark = session(load_settings())
    context = spark.sparkContext
    held = context.broadcast(b"x")
    context.parallelize([1, 2], 2).map(lambda n: len(held.value) + n).collect()
    rows = pa.table({"name": ["a", "b"], "reasons": [["x"], ["y"]], "day": pa.array([0, 1], pa.date32())})
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            writer = spark.createDataFrame(rows).coalesce(1).write.format("delta").partitionBy("day").mode("append")
            writer.option("txnAppId", os.urandom(4).hex()).option("txnVersion", 1).save(f"file://{folder}/table")
        spark.read.format("delta").load(f"file://{folder}/table").collect()
    jvm = context._gateway.proc
    spark.stop()
    context._gateway.shutdown()
    jvm.stdin.close()
    jvm.wait()


_MAKING = "PROCUREMENT_SPARK_CLASSES"

if __name__ == "__main__":
    _train()
