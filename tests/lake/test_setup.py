"""The set-up: what it finds, what it refuses, and that nothing half is ever taken for whole."""

import hashlib
import os
import re
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.errors import CannotWrite, TryAgain, Unavailable
from common.lake import artifacts, bootstrap, ivy, java, local
from common.lake.artifacts import Artifact
from common.lake.places import cache_dir, home, need_disk
from common.settings import ROOT

CONTENT = b"as good as a jar\n"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A Maven repository in a folder, an empty cache, and a lock that pins one artifact of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "der Cache ß"))
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "repository" / "org" / "example" / "part" / "1.0"
    folder.mkdir(parents=True)
    (folder / "part-1.0-native.jar").write_bytes(CONTENT)
    monkeypatch.setenv("MAVEN_REPOSITORY", (tmp_path / "repository").as_uri())
    pinned = Artifact("test", "org.example", "part", "1.0", "native", "jar", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    lock = tmp_path / "artifacts.lock"
    monkeypatch.setattr(artifacts, "LOCK", lock)
    lock.write_text(f"# comment\ntest org.example:part:1.0:native:jar {pinned.size} {pinned.sha256}\n")
    artifacts.lock.cache_clear()
    yield folder, pinned
    artifacts.lock.cache_clear()


def test_an_artifact_comes_through_ivy_and_then_is_there(repository):
    folder, pinned = repository
    assert artifacts.missing() == [pinned]
    artifacts.ensure()
    assert artifacts.jars("test")[0].read_bytes() == CONTENT
    shutil.rmtree(folder)
    artifacts.ensure()
    assert [p.name for p in cache_dir().iterdir() if "incomplete" in p.name] == []


def test_files_that_come_and_go_are_counted_as_they_are_found(tmp_path):
    caches = [tmp_path / str(n) / "cache" for n in range(2)]
    stop = threading.Event()

    def busy(cache):
        while not stop.is_set():
            folder = cache / "jars"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "a.jar.part").write_bytes(CONTENT)
            (folder / "a.jar.part").rename(folder / "a.jar")
            shutil.rmtree(folder)

    with ThreadPoolExecutor(len(caches)) as pool:
        running = [pool.submit(busy, cache) for cache in caches]
        try:
            counted = {ivy._bytes_under(tmp_path) for _ in range(3000)}
        finally:
            stop.set()
        for done in running:
            done.result()
    assert counted <= {n * len(CONTENT) for n in range(5)} and len(counted) > 1


def test_the_users_own_maven_repository_is_used_when_its_bytes_are_the_pinned_ones(repository, tmp_path):
    folder, pinned = repository
    own = tmp_path / ".m2" / "repository" / folder.relative_to(tmp_path / "repository")
    own.mkdir(parents=True)
    shutil.move(folder / pinned.file_name, own)
    artifacts.ensure()
    assert pinned.path.read_bytes() == CONTENT


@pytest.mark.parametrize("served", [b"other bytes, same size\n"[: len(CONTENT)], CONTENT[:-1], None])
def test_other_bytes_half_a_file_or_none_leave_the_cache_empty(repository, served):
    folder, pinned = repository
    if served is None:
        (folder / pinned.file_name).unlink()
    else:
        (folder / pinned.file_name).write_bytes(served)
    with pytest.raises(Unavailable) as failure:
        artifacts.ensure()
    assert failure.value.next and not pinned.folder.exists()
    assert artifacts.missing() == [pinned]


def test_the_locks_pin_everything_and_name_no_host():
    for artifact in artifacts.lock():
        assert re.fullmatch(r"[0-9a-f]{64}", artifact.sha256) and artifact.size > 0
    lock = (ROOT / "conf" / "requirements.lock").read_text()
    assert "://" not in lock and "index-url" not in lock
    entries = re.findall(r"^([a-z0-9.-]+)==\S+ \\\n    --hash=sha256:", lock, re.MULTILINE)
    for file in ("requirements.txt", "conf/local/requirements.txt"):
        for name in re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / file).read_text(), re.MULTILINE):
            assert re.sub(r"[-_.]+", "-", name).lower() in entries


def test_a_disk_that_is_too_small_is_told_of(tmp_path):
    with pytest.raises(CannotWrite, match=r"needs 1e\+06 GB of free disk"):
        need_disk(tmp_path / "not" / "yet", 1e6, "the test")


def test_too_little_memory_is_told_of_and_is_69_where_the_machine_has_no_more(monkeypatch):
    total = next(int(line.split()[1]) / 1e6 for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    for needed, kind in ((total * 2, Unavailable), (total, TryAgain)):
        monkeypatch.setattr(local, "_MEMORY_GB", needed)
        with pytest.raises(kind, match=f"need {needed:g} GB of memory; .* are available") as failure:
            local._need_memory([None] * len(local.KINDS))
        assert type(failure.value) is kind and failure.value.next
    monkeypatch.setattr(local, "_MEMORY_GB", 0)
    local._need_memory([])


def test_without_a_network_the_set_up_has_said_what_it_wants_and_where_it_keeps_it(tmp_path):
    cache = tmp_path / "der Cache ß"
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_CONFIG_FILE": os.devnull, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(
        [ROOT / "submit.sh", "demo"], env={"PATH": os.environ["PATH"]} | nowhere, capture_output=True, text=True, check=False
    )
    assert done.returncode == 69 and done.stdout == "", done.stderr
    first, second, *rest = done.stderr.splitlines()
    assert first.startswith(f"Setting up: {bootstrap._DOWNLOAD_MB} MB of Python packages") and str(cache) in first
    assert f"{bootstrap._JAVA_MB} MB" in second
    assert rest[-1].startswith("  next:  check the network") and "Traceback" not in done.stderr
    assert not list(cache.rglob("complete")) and not list(cache.rglob("incomplete*"))


def test_the_sizes_that_are_told_are_those_of_what_is_fetched():
    sizes = {True: 0, False: 0}
    for artifact in artifacts.lock():
        sizes[artifact.use in artifacts.OPTIONAL] += artifact.size
    assert round(sizes[False] / 1e6) == bootstrap._JAVA_MB
    readme, runbook = ((ROOT / file).read_text(encoding="utf-8") for file in ("README.md", "docs/runbook.md"))
    assert f"{bootstrap._DOWNLOAD_MB} MB of packages and {bootstrap._JAVA_MB} MB of Java" in readme
    assert f"{local._MEMORY_GB} GB of memory" in readme
    assert f"({round(sizes[True] / 1e6)} MB, pinned" in runbook


def test_the_cache_is_found_without_a_home(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "procurement-pipeline"
    monkeypatch.setenv("HOME", "")
    assert home() != Path("")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert cache_dir().is_absolute()


def test_a_machine_without_a_suitable_python_is_told_what_to_install(tmp_path):
    shutil.copy(ROOT / "submit.sh", tmp_path)
    old = tmp_path / "bin" / "python3"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    bash = shutil.which("bash")
    done = subprocess.run([bash, tmp_path / "submit.sh"], env={"PATH": str(old.parent)}, capture_output=True, text=True)
    assert done.returncode == 78
    assert "Python 3.11 or 3.12" in done.stderr and "next:" in done.stderr


def test_spark_gets_a_java_that_ignores_the_module_which_it_lacks():
    program = java.home() / "bin" / "java"
    done = subprocess.run([program, "--add-modules=jdk.incubator.vector", "-version"], capture_output=True, text=True)
    assert done.returncode == 0 and "25.0" in done.stderr
    assert os.access(program, os.X_OK)
