"""HDFS: one NameNode and one DataNode from Hadoop's own jars."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from common.errors import CannotWrite
from common.lake import artifacts
from common.lake.service import Service, base_environment, jvm

# No JIT compiler but the quick one: these daemons start in half the time and are never busy.
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_WEBAPPS = ("hdfs", "datanode", "static", "secondary")  # must be on the class path; the jars carry none


class _Daemon(Service):
    main: str

    def environment(self) -> dict[str, str]:
        folders = [self.site.home / "conf" / "hadoop", self.site.home / "run" / "hadoop"]
        return base_environment() | {"CLASSPATH": ":".join(map(str, [*folders, *artifacts.jars("hadoop")]))}

    def prepare(self) -> None:
        for name in _WEBAPPS:
            (self.site.home / "run" / "hadoop" / "webapps" / name).mkdir(parents=True, exist_ok=True)
        (self.site.home / "tmp").mkdir(exist_ok=True)

    def command(self) -> list[str]:
        return [*jvm("384m", *QUICK, f"-Djava.io.tmpdir={self.site.home / 'tmp'}"), self.main]

    def bean(self, name: str) -> dict[str, Any]:
        """One of the NameNode's JMX beans."""
        host, port = self.site.hosts["namenode"], self.site.ports["namenode_http"]
        url = f"http://{host}:{port}/jmx?qry=Hadoop:service=NameNode,name={name}"
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(url, timeout=5) as answer:
            beans = json.load(answer)["beans"]
        return beans[0] if beans else {}


class NameNode(_Daemon):
    """The file system's names. Formatted once, aside, and renamed into place."""

    name = "namenode"
    main = "org.apache.hadoop.hdfs.server.namenode.NameNode"

    @property
    def data(self) -> Path:
        """Its folder."""
        return self.site.home / "data" / "namenode"

    def prepare(self) -> None:
        super().prepare()
        current = self.data / "current"
        images = [p for p in current.glob("fsimage_*") if p.suffix != ".md5" and p.with_name(f"{p.name}.md5").exists()]
        if images and (current / "VERSION").exists():
            return
        if any(p.stat().st_size for p in current.glob("edits_*")):
            raise CannotWrite(
                "the NameNode's folder is damaged, and it is not an empty one",
                where=str(self.data),
                next="restore it, or ./submit.sh lake reset --yes, which loses what is in HDFS",
            )
        self._format()

    def _format(self) -> None:
        aside = self.data.with_name("namenode.new")
        for old in (aside, self.data):
            shutil.rmtree(old, ignore_errors=True)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        options = ["-format", "-nonInteractive", *self._cluster_of_datanode()]
        done = subprocess.run(
            [*self.command(), "-D", "dfs.namenode.name.dir=data/namenode.new", *options],
            cwd=self.site.home, env=self.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CannotWrite(f"the NameNode could not be formatted: {done.stdout.strip()[-400:]}", where=str(aside))
        os.rename(aside, self.data)

    def _cluster_of_datanode(self) -> list[str]:
        """A DataNode from before the format joins the new NameNode when that takes over its cluster's id."""
        try:
            text = (self.site.home / "data" / "datanode" / "current" / "VERSION").read_text()
        except FileNotFoundError:
            return []
        found = re.search(r"^clusterID=(\S+)$", text, re.MULTILINE)
        return ["-clusterId", found[1]] if found else []

    def not_ready(self) -> str | None:
        """It serves once a DataNode is live and safe mode is off."""
        try:
            state = self.bean("FSNamesystemState")
        except (OSError, ValueError) as error:
            return str(error)
        if state.get("FSState") != "Operational":
            return "in safe mode"
        return None if state.get("NumLiveDataNodes", 0) >= 1 else "no live DataNode yet"

    def ports(self) -> list[str]:
        return ["namenode", "namenode_http"]


class DataNode(_Daemon):
    """The file system's bytes."""

    name = "datanode"
    main = "org.apache.hadoop.hdfs.server.datanode.DataNode"

    def not_ready(self) -> str | None:
        if not self.is_listening():
            return "does not listen yet"
        try:
            return None if self.bean("FSNamesystemState").get("NumLiveDataNodes", 0) >= 1 else "not registered yet"
        except (OSError, ValueError) as error:
            return f"the NameNode does not answer: {error}"

    def ports(self) -> list[str]:
        return ["datanode", "datanode_http", "datanode_ipc"]
