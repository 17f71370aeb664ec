"""A YARN of one resource manager and one node manager on loopback, for a test: plain processes of pinned jars."""

import json
import os
import socket
import subprocess
import time
import urllib.request

from common.lake import artifacts, java
from common.lake.service import base_environment

_MAIN = {
    "resourcemanager": "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    "nodemanager": "org.apache.hadoop.yarn.server.nodemanager.NodeManager",
}
_SITE = "<configuration>{}</configuration>"
_PROPERTY = "<property><name>{}</name><value>{}</value></property>"


class LocalYarn:
    """`conf` is the folder that HADOOP_CONF_DIR names for its clients."""

    def __init__(self, home, hdfs_url):
        self.home, self.conf = home, home / "conf"
        self._ports = dict(
            zip(("rm", "scheduler", "tracker", "admin", "web", "nm", "localizer", "nm_web"), _free(8), strict=True)
        )
        self._processes = []
        self.conf.mkdir(parents=True)
        for folder in ("cluster", "node", "static"):
            (self.conf / "webapps" / folder).mkdir(parents=True)
        self._write("core-site.xml", {"fs.defaultFS": hdfs_url, "dfs.client.use.datanode.hostname": "true"})
        self._write("yarn-site.xml", self._site())

    def _site(self):
        at = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        manager = "yarn.resourcemanager."
        node = "yarn.nodemanager."
        return {
            f"{manager}hostname": "127.0.0.1",
            f"{manager}address": at["rm"],
            f"{manager}scheduler.address": at["scheduler"],
            f"{manager}resource-tracker.address": at["tracker"],
            f"{manager}admin.address": at["admin"],
            f"{manager}webapp.address": at["web"],
            f"{manager}scheduler.class": "org.apache.hadoop.yarn.server.resourcemanager.scheduler.fifo.FifoScheduler",
            f"{node}hostname": "127.0.0.1",
            f"{node}address": at["nm"],
            f"{node}localizer.address": at["localizer"],
            f"{node}webapp.address": at["nm_web"],
            f"{node}local-dirs": str(self.home / "local"),
            f"{node}log-dirs": str(self.home / "containers"),
            f"{node}resource.memory-mb": "6144",
            f"{node}resource.cpu-vcores": "4",
            f"{node}vmem-check-enabled": "false",
            f"{node}disk-health-checker.max-disk-utilization-per-disk-percentage": "100",
            "yarn.scheduler.minimum-allocation-mb": "512",
        }

    def _write(self, name, properties):
        (self.conf / name).write_text(_SITE.format("".join(_PROPERTY.format(*item) for item in properties.items())))

    def start(self):
        """Starts both and waits until the node has joined."""
        classpath = ":".join(map(str, [self.conf, *artifacts.jars("yarn"), *artifacts.jars("hadoop")]))
        for name, main in _MAIN.items():
            log = (self.home / f"{name}.log").open("wb")
            options = ["-Xmx384m", "-XX:+UseSerialGC", "--add-exports", "java.base/sun.net.dns=ALL-UNNAMED"]
            self._processes.append(
                subprocess.Popen(
                    [java.binary(), *options, main],
                    cwd=self.home,
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    env=base_environment() | {"CLASSPATH": classpath, "JAVA_HOME": str(java.home())},
                )
            )
        until = time.monotonic() + 120
        while not self._nodes():
            assert all(p.poll() is None for p in self._processes), f"see {self.home}"
            assert time.monotonic() < until, f"no node has joined; see {self.home}"
            time.sleep(0.5)

    def _nodes(self):
        try:
            return self.asked("metrics")["clusterMetrics"]["activeNodes"]
        except OSError:
            return 0

    def asked(self, what):
        """An answer of the resource manager's REST interface."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"http://127.0.0.1:{self._ports['web']}/ws/v1/cluster/{what}", timeout=5) as answer:
            return json.load(answer)

    def stop(self):
        """Ends both."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(30)


def environment(yarn):
    """What a client of it has set."""
    return {**os.environ, "HADOOP_CONF_DIR": str(yarn.conf), "YARN_CONF_DIR": str(yarn.conf), "JAVA_HOME": str(java.home())}


def _free(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports
