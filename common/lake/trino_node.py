"""Trino: one node that is coordinator and worker, with the catalogs hive, delta and postgresql."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from common.lake import artifacts
from common.lake.service import Service, base_environment, jvm

# The better compiler takes only what is very hot. With its own thresholds a start costs twice the CPU of one with the quick
# compiler alone, with these half as much again; from the second night on statements are planned in half the time.
_COMPILERS = (
    "-XX:Tier3DelayOn=0", "-XX:Tier4InvocationThreshold=15000", "-XX:Tier4MinInvocationThreshold=3000",
    "-XX:Tier4CompileThreshold=45000", "-XX:Tier4BackEdgeThreshold=120000",
)  # fmt: skip
# No collector that works beside the queries: on two cores it takes a tenth of Trino's CPU.
_COLLECTOR = ("-Xms1g", "-XX:+UseParallelGC", "-XX:MetaspaceSize=384m")


class TrinoNode(Service):
    """The SQL engine. Its start is the longest of all, so it waits for no other service."""

    name = "trino"
    patience = 8.0

    def prepare(self) -> None:
        for folder in ("data/trino", "tmp"):
            (self.site.home / folder).mkdir(parents=True, exist_ok=True)

    def environment(self) -> dict[str, str]:
        jars = sorted((artifacts.archive("trino-server") / "lib").glob("*.jar"))
        password = {"PROCUREMENT_DATABASE_PASSWORD": self.site.passwords["procurement"]}
        return base_environment() | password | {"CLASSPATH": ":".join(map(str, jars))}

    def command(self) -> list[str]:
        conf = self.site.home / "conf" / "trino"
        lines = (conf / "node.properties").read_text(encoding="utf-8").splitlines()
        node = [f"-D{line}" for line in lines if line and not line.startswith("#")]
        return [
            *jvm("2g", *_COLLECTOR, *_COMPILERS, "-XX:ReservedCodeCacheSize=256M"),
            "-Djdk.attach.allowAttachSelf=true",
            "-Djdk.nio.maxCachedBufferSize=2000000",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            *node,
            f"-Djava.io.tmpdir={self.site.home / 'tmp'}",
            f"-Djna.tmpdir={self.site.home / 'tmp'}",
            f"-Dnode.data-dir={self.site.home / 'data' / 'trino'}",
            f"-Dplugin.dir={artifacts.archive('trino-server') / 'plugin'}",
            f"-Dcatalog.config-dir={conf / 'catalog'}",
            # relative to the lake's folder: it is a list, and a path may hold a comma
            "-Daccess-control.config-files=conf/trino/access-control.properties",
            f"-Dlog.levels-file={conf / 'log.properties'}",
            f"-Dconfig={conf / 'config.properties'}",
            "io.trino.server.TrinoServer",
        ]

    def not_ready(self) -> str | None:
        """It serves once its node list shows an active node and a query ran on it."""
        try:
            rows = self.query("select count(*) from system.runtime.nodes where state = 'active'")
            if rows == [[0]] or not rows:
                return "no active node yet"
            self.query("select sum(n) from unnest(sequence(1, 1000)) as t (n) where random() >= 0")
        except (OSError, ValueError, RuntimeError) as error:
            return str(error)
        return None

    def query(self, sql: str) -> list[list[Any]]:
        """The rows of one statement, as the pipeline's user; RuntimeError with Trino's own words when it fails."""
        headers = {"X-Trino-User": self.site.owner, "X-Trino-Source": "lake"}
        url = f"http://{self.site.hosts['trino']}:{self.site.ports['trino']}"
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        answer = self._ask(direct, urllib.request.Request(f"{url}/v1/statement", sql.encode(), headers))
        rows: list[list[Any]] = answer.get("data", [])
        while "nextUri" in answer:
            answer = self._ask(direct, urllib.request.Request(answer["nextUri"], headers=headers))
            rows += answer.get("data", [])
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return rows

    @staticmethod
    def _ask(direct: urllib.request.OpenerDirector, request: urllib.request.Request) -> dict[str, Any]:
        with direct.open(request, timeout=60) as answer:
            return json.load(answer)
