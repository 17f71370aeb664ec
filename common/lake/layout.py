"""One lake: its folder, addresses and passwords, and its configuration rendered from `conf/services/`.

The same templates serve the local lake (loopback, ports chosen at the first start and kept) and the containers of
`docker-compose.yml` (service names, fixed ports): only the values differ.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import string
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from common.errors import Misconfigured
from common.lake.places import ROOT

TEMPLATES = ROOT / "conf" / "services"
PORTS = {
    "postgresql": 5432,
    "namenode": 8020,
    "namenode_http": 9870,
    "datanode": 9866,
    "datanode_http": 9864,
    "datanode_ipc": 9867,
    "metastore": 9083,
    "trino": 8080,
}
SERVICES = ("postgresql", "namenode", "datanode", "metastore", "trino")
_PASSWORDS = ("postgres", "procurement", "metastore")


@dataclass(frozen=True)
class Site:
    """Where the services of one lake are; `home` is the folder that they run in."""

    home: Path
    hosts: dict[str, str]
    ports: dict[str, int]
    bind: str
    passwords: dict[str, str]
    owner: str

    def addresses(self) -> dict[str, str]:
        """The addresses by the names of common.settings."""
        host, port, password = self.hosts, self.ports, self.passwords["procurement"]
        return {
            "DATABASE_URL": f"postgresql://procurement:{password}@{host['postgresql']}:{port['postgresql']}/procurement",
            "HDFS_URL": f"hdfs://{host['namenode']}:{port['namenode']}",
            "METASTORE_URI": f"thrift://{host['metastore']}:{port['metastore']}",
            "TRINO_URL": f"http://{host['trino']}:{port['trino']}",
            "WEBHDFS_URL": f"http://{host['namenode']}:{port['namenode_http']}/webhdfs/v1",
        }

    def _values(self) -> dict[str, str]:
        values = {f"{name}_host": host for name, host in self.hosts.items()}
        values |= {f"{name}_port": str(port) for name, port in self.ports.items()}
        values |= {f"{name}_password": password for name, password in self.passwords.items()}
        addresses = self.addresses()
        return values | {
            "bind": self.bind,
            "owner": self.owner,
            "hdfs_url": addresses["HDFS_URL"],
            "metastore_uri": addresses["METASTORE_URI"],
        }

    def render(self) -> None:
        """Writes `<home>/conf` from the templates, each file mode 0600 and replaced in one step."""
        values = self._values()
        xml_values = {name: escape(value) for name, value in values.items()}
        for template in sorted(p for p in TEMPLATES.rglob("*") if p.is_file()):
            text = string.Template(template.read_text(encoding="utf-8"))
            rendered = text.substitute(xml_values if template.suffix == ".xml" else values)
            write_private(self.home / "conf" / template.relative_to(TEMPLATES), rendered)
        write_private(self.home / "addresses.json", json.dumps(self.addresses(), indent=1, sort_keys=True) + "\n")


def local_site(home: Path, owner: str) -> Site:
    """The local lake in `home`: ports and passwords made at the first start and kept there."""
    ports = _kept(home / "ports.json", PORTS, lambda: {name: str(port) for name, port in _free_ports().items()})
    return Site(
        home=home,
        hosts=dict.fromkeys(SERVICES, "127.0.0.1"),
        ports={name: int(port) for name, port in ports.items()},
        bind="127.0.0.1",
        passwords=passwords(home / "passwords.json"),
        owner=owner,
    )


def compose_site(home: Path, shared: Path, owner: str) -> Site:
    """The lake of docker-compose.yml as each container sees it; `shared` is the folder that all of them see."""
    return Site(
        home=home,
        hosts={name: name for name in SERVICES},
        ports=PORTS,
        bind="0.0.0.0",
        passwords=passwords(shared / "passwords.json"),
        owner=owner,
    )


def passwords(file: Path) -> dict[str, str]:
    """The generated passwords of the database's users, kept in `file` (mode 0600)."""
    return _kept(file, _PASSWORDS, lambda: {name: secrets.token_urlsafe(24) for name in _PASSWORDS})


def write_private(file: Path, text: str) -> None:
    """Writes `file` with mode 0600 by a rename, unless it already says so."""
    try:
        if file.read_bytes() == text.encode():
            return
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
    os.replace(_aside(file, text), file)


def _aside(file: Path, text: str) -> Path:
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    return aside


def _kept(file: Path, names: Iterable[str], make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What `file` holds under these names. The first one to come makes it, also when several come at once."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = _aside(file, json.dumps(make(), indent=1) + "\n")
        with suppress(FileExistsError):
            os.link(aside, file)
        aside.unlink()
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {name: found[name] for name in names}
    except (ValueError, TypeError, KeyError):
        raise Misconfigured("the file is damaged", where=str(file), next="./submit.sh lake reset --yes") from None


def _free_ports() -> dict[str, int]:
    """A free port for each name, below the range from which the system takes ports for outgoing connections."""
    chosen: dict[str, int] = {}
    while len(chosen) < len(PORTS):
        port = 20000 + secrets.randbelow(12000)
        if port not in chosen.values() and port_is_free(port):
            chosen[list(PORTS)[len(chosen)]] = port
    return chosen


def port_is_free(port: int) -> bool:
    """Whether a server could listen on that port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
