"""Spark: the only module that builds a session.

What `spark-submit` (or a cluster's defaults) already says is respected; the settings fill in the rest. As a program it
prints the options that must stand on a spark-submit line because the driver's JVM reads them as it starts:

    spark-submit $(python -m common.clients.spark) jobs/night.py 2017-12-23
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from common.errors import Misconfigured
from common.package import ARCHIVE
from common.settings import ROOT, Settings, load_settings

# A driver that lives for seconds: no second compiler, no concurrent collector (4 CPU s of 24 at 10 M lines).
_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_STARTING = threading.Lock()
# where the package's archive lies in the folder of an executor
_IN_EXECUTORS = os.pathsep.join(("procurement/project", "procurement/packages"))
_LOG4J = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
"""


def options(settings: Settings) -> dict[str, str]:
    """Spark's own settings for this environment."""
    chosen = {
        "spark.app.name": "procurement",
        "spark.master": settings["spark.master"],
        "spark.driver.memory": settings["spark.driver_memory"],
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": f"file:{settings.lake_dir / 'spark' / 'warehouse'}",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # a commit of a few rows takes 1 s instead of 2
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.databricks.delta.stats.collect": "true",
        "spark.executorEnv.PYTHONPATH": _IN_EXECUTORS if settings["spark.package"] else str(ROOT),
        "spark.executorEnv.PYTHONSAFEPATH": "1",
        # every call of HDFS has a thread, and each thread's memory would stay with it: 2.5 GB instead of 1.6 at 30 M lines
        "spark.executorEnv.MALLOC_ARENA_MAX": "2",
        "spark.hadoop.dfs.client.use.datanode.hostname": "true",
        # as in conf/services/hadoop/hdfs-site.xml: each of the four small files of a Delta commit waits for its close
        "spark.hadoop.dfs.client.block.write.locateFollowingBlock.initial.delay.ms": "10",
        "spark.hadoop.dfs.client.block.write.locateFollowingBlock.retries": "11",
    }
    if settings["spark.package"]:
        package = Path(settings["spark.package"]).expanduser()
        if not (package / ARCHIVE).is_file():
            what = f"spark.package is {settings['spark.package']!r}: there is no {ARCHIVE} in it"
            raise Misconfigured(what, where=str(package), next=f"./submit.sh package '{package}'")
        chosen["spark.yarn.dist.archives"] = f"{package / ARCHIVE}#procurement"
        chosen["spark.jars"] = ",".join(map(str, sorted((package / "jars").glob("*.jar"))))
    if settings.environment != "cluster":
        from common.clients import spark_classes
        from common.lake.artifacts import spark_jars

        # on the class path, not as spark.jars: the archive of classes holds what the class path has
        chosen["spark.driver.extraClassPath"] = os.pathsep.join(map(str, spark_jars()))
        chosen["spark.driver.bindAddress"] = "127.0.0.1"
        chosen["spark.driver.host"] = "127.0.0.1"
        chosen["spark.driver.extraJavaOptions"] = f"{_JVM} -Dlog4j2.configurationFile={_quiet_logs(settings).as_uri()} " + (
            spark_classes.making() or spark_classes.flags(settings, chosen["spark.driver.extraClassPath"])
        )
    return chosen


def context(settings: Settings) -> Any:
    """The Spark context of this process: what plain tasks need. The JVM is started on first use; safe from any thread."""
    with _STARTING:
        _environment(settings)
        from pyspark import SparkConf, SparkContext

        conf = SparkConf()
        for key, value in options(settings).items():
            conf.setIfMissing(key, value)
        found = SparkContext.getOrCreate(conf)
        found.setLogLevel("ERROR")
        return found


def session(settings: Settings) -> Any:
    """The session of this process, for DataFrames and Delta; in UTC. It takes twice as long as the context alone."""
    context(settings)
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate()


def warm(settings: Settings) -> None:
    """Gets Delta's writer and Python workers ready while nobody needs them yet. What fails here fails again where it matters.

    The writer comes first: stages before it start the workers by their own tasks.
    """
    with contextlib.suppress(Exception):
        started = context(settings)
        if settings.environment != "cluster":
            import pyarrow as pa

            with tempfile.TemporaryDirectory(dir=os.environ["SPARK_LOCAL_DIRS"]) as folder:
                frame = session(settings).createDataFrame(pa.table({"n": [1]}))
                frame.coalesce(1).write.format("delta").mode("append").save(f"file://{folder}/table")
        slots = started.defaultParallelism
        started.parallelize(range(slots), slots).foreach(lambda _: import_module("common.staging.tasks"))


def stop(settings: Settings) -> None:
    """Ends Spark. A local one ends with this process: nobody waits for its farewell, nor for what was being got ready."""
    from pyspark import SparkContext

    running = SparkContext._active_spark_context
    if running is None or not hasattr(running, "_jsc"):
        return  # none, or one that is still being started aside
    if settings.environment == "cluster":
        running.stop()
    else:
        running.setLogLevel("OFF")


def _environment(settings: Settings) -> None:
    """What the JVM and the Python workers inherit: the interpreter, the project, a Java, quiet logs, local scratch space."""
    # a worker must not find another `common` in the folder that the command was typed in
    os.environ["PYTHONSAFEPATH"] = "1"
    os.environ.setdefault("SPARK_LAUNCHER_OPTS", _JVM)
    os.environ.setdefault("TZ", "UTC")
    paths = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    if str(ROOT) not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *paths])
    if settings.environment == "cluster" or "PYSPARK_GATEWAY_PORT" in os.environ:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        return
    from common.lake.java import home

    java = home()
    # the pinned ones, whatever Java and Spark the user has beside them
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "JAVA_HOME": str(java)}
    os.environ.pop("SPARK_HOME", None)
    scratch = settings.lake_dir / "spark" / "scratch"
    if "," in str(scratch):  # Spark would take it for a list
        scratch = Path(tempfile.gettempdir()) / f"procurement-spark-{os.getuid()}"
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("SPARK_LOCAL_DIRS", str(scratch))
    os.environ.setdefault("SPARK_CONF_DIR", str(_empty_conf(java, settings)))


def _empty_conf(java: Path, settings: Settings) -> Path:
    """An empty folder, one for all lakes: it is on the class path, with which the archive of classes must agree."""
    conf = java / "spark-conf"
    try:
        conf.mkdir(exist_ok=True)
    except OSError:  # the environment is another user's, as in a container: then this lake's own, and no archive
        conf = settings.lake_dir / "spark" / "conf"
        conf.mkdir(parents=True, exist_ok=True)
    return conf


def _quiet_logs(settings: Settings) -> Path:
    """A logging configuration that says errors only, from the first line on.

    Not in Spark's configuration folder: that one is on the class path, and an archive of classes wants it empty.
    """
    file = settings.lake_dir / "spark" / "log4j2.properties"
    if not file.exists() or file.read_text(encoding="utf-8") != _LOG4J:
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f"log4j2.{os.getpid()}")
        aside.write_text(_LOG4J, encoding="utf-8")
        os.replace(aside, file)
    return file


def _print_options() -> int:
    for name, text in options(load_settings()).items():
        if " " not in text:  # a shell would split it
            print("--conf", f"{name}={text}", sep="\n")
    return 0


if __name__ == "__main__":
    from common.cli import guarded, leave

    leave(guarded(_print_options))
