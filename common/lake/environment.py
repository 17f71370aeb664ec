"""What Spark and outside programs need in their environment."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from common.lake import java
from common.settings import Settings


def environment(settings: Settings) -> dict[str, str]:
    """The environment for Spark: Java, Spark's own folder, this Python in driver and executors, HDFS' configuration."""
    values = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    if settings.environment == "cluster":
        return values
    spec = find_spec("pyspark")
    if spec is not None and spec.origin:
        values["SPARK_HOME"] = str(Path(spec.origin).parent)
    temporary = settings.lake_dir / "tmp"
    return values | {
        "JAVA_HOME": str(java.home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(temporary),
        "HADOOP_CONF_DIR": str(settings.lake_dir / "conf" / "hadoop"),
    }
