"""A container engine of the tests' own, on a machine that can reach no image registry.

Debian's dockerd runs in a folder of its own and leaves the machine's network alone; the base image is made from the
machine's own Debian mirror under its usual name, so that the project's Dockerfile is used unmodified. The base carries
the machine's certificate authorities and pip's settings: a test image, never to be published.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import yaml

from common.settings import ROOT

NEEDED = ("dockerd", "docker", "docker-compose", "mmdebstrap")
_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class Engine:
    """`dockerd` in a folder `work`, and docker-compose over the project's file under the project name `lake_test`."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self._socket = f"unix://{work}/docker.sock"
        self._daemon: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Engine:
        self.work.mkdir(parents=True, exist_ok=True)
        w = self.work
        quiet = ["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false", "--bridge=none"]
        folders = ["--data-root", f"{w}/data", "--exec-root", f"{w}/exec", "--pidfile", f"{w}/pid"]
        with (w / "dockerd.log").open("wb") as log:
            self._daemon = subprocess.Popen(["dockerd", *folders, "-H", self._socket, *quiet], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while self.run("docker", "version", check=False).returncode:
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((w / "dockerd.log").read_text()[-2000:])
            time.sleep(0.3)
        return self

    def __exit__(self, *_: object) -> None:
        if self._daemon:
            self._daemon.send_signal(signal.SIGTERM)
            self._daemon.wait(60)
        subprocess.run(["umount", f"{self.work}/exec/netns/default"], check=False, capture_output=True)
        if not os.environ.get("PROCUREMENT_KEEP_ENGINE"):
            shutil.rmtree(self.work, ignore_errors=True)

    def run(self, *command: str, check: bool = True, **options) -> subprocess.CompletedProcess[str]:
        """A command that talks to this engine."""
        environment = {**os.environ, "DOCKER_HOST": self._socket, "DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}
        options = {"text": True, **options}
        return subprocess.run(
            command, cwd=ROOT, env=environment, check=check, capture_output=True, stdin=subprocess.DEVNULL, **options
        )

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """docker-compose with the project's file and the override that a build needs here."""
        override = self.work / "override.yml"
        override.write_text(yaml.safe_dump({"services": {"postgresql": {"build": {"network": "host"}}}}))
        files = ["-f", str(ROOT / "docker-compose.yml"), "-f", str(override), "--project-directory", str(ROOT)]
        done = self.run("docker-compose", *files, "-p", "lake_test", *arguments, check=False)
        if check and done.returncode:
            raise RuntimeError(f"docker-compose {' '.join(arguments)}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def client(self, *command: str, binary: bool = False) -> subprocess.CompletedProcess:
        """A command in the client's container; RuntimeError with what it said when it fails."""
        files = ["-f", str(ROOT / "docker-compose.yml"), "--project-directory", str(ROOT), "-p", "lake_test"]
        done = self.run("docker-compose", *files, "run", "--rm", "-T", "client", *command, check=False, text=not binary)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def make_base_image(self) -> None:
        """debian:bookworm-slim from the machine's own mirror."""
        if self.run("docker", "image", "inspect", "debian:bookworm-slim", check=False).returncode == 0:
            return
        archive = self.work / "base.tar"
        hooks = [f"--customize-hook=copy-in {_BUNDLE} /tmp"]
        if any(_CERTIFICATES.glob("*.crt")):
            hooks = [
                f"--customize-hook=copy-in {' '.join(map(str, _CERTIFICATES.glob('*.crt')))} /usr/local/share/ca-certificates",
                '--customize-hook=chroot "$1" update-ca-certificates',
            ]
        self.run(
            "mmdebstrap", "--variant=minbase", "--include=ca-certificates", *hooks, "bookworm", str(archive), _mirror()
        )  # fmt: skip
        settings = [f"PIP_CERT={_BUNDLE}", f"SSL_CERT_FILE={_BUNDLE}"]
        changes = [part for setting in settings for part in ("--change", f"ENV {setting}")]
        self.run("docker", "import", *changes, str(archive), "debian:bookworm-slim")
        archive.unlink()


def _mirror() -> str:
    """The first mirror of the machine's own package sources."""
    for file in [*sorted(Path("/etc/apt").glob("sources.list.d/*")), Path("/etc/apt/sources.list")]:
        if file.is_file():
            for line in file.read_text().splitlines():
                words = line.split()
                if words[:1] in (["URIs:"], ["deb"]):
                    return next(word for word in words[1:] if "://" in word)
    raise RuntimeError("the machine names no Debian mirror")
