"""docker-compose.yml: valid, careful, and run for real: the containers' orders are the local lake's, byte for byte."""

import io
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from container_engine import NEEDED, Engine

from common.lake.layout import SERVICES
from common.settings import ROOT, load_settings

COMPOSE = ROOT / "docker-compose.yml"
DAY = "2017-12-23"


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(COMPOSE.read_text())["services"]


def test_every_service_of_the_lake_is_there_with_a_health_check(services):
    assert set(services) == {*SERVICES, "client"}
    assert all("healthcheck" in services[name] for name in SERVICES)
    assert services["client"]["depends_on"] == {name: {"condition": "service_healthy"} for name in SERVICES}


def test_ports_are_published_on_loopback_and_data_lies_in_named_volumes(services):
    text = yaml.safe_load(COMPOSE.read_text())
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(text["volumes"])


def test_no_password_is_in_the_files():
    for file in (COMPOSE, ROOT / "conf" / "compose" / "Dockerfile"):
        assert not re.search(r"passw\w*\s*[:=]", file.read_text(), re.IGNORECASE)


def test_a_compose_parser_accepts_the_file(tmp_path):
    """docker-compose where it is installed, else the official parser, built by Go."""
    if compose := shutil.which("docker-compose"):
        command, environment = [compose, "-f", str(COMPOSE), "config", "-q"], dict(os.environ)
    elif go := shutil.which("go"):
        shutil.copytree(Path(__file__).parent / "compose_parser", tmp_path / "parser")
        tidy = subprocess.run([go, "mod", "tidy"], cwd=tmp_path / "parser", capture_output=True, text=True, check=False)
        if tidy.returncode:
            pytest.skip(f"the compose parser's modules are out of reach: {tidy.stderr[-200:]}")
        subprocess.run([go, "build", "-o", "check", "."], cwd=tmp_path / "parser", check=True)
        command, environment = [str(tmp_path / "parser" / "check"), str(COMPOSE)], dict(os.environ)
    else:
        pytest.skip("neither docker-compose nor go is on this machine")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.containers
def test_the_client_container_gives_the_local_lakes_bytes(tmp_path, submit):
    """Builds the image, brings the lake up, runs the demo in the client and compares its orders with the local ones."""
    if absent := [program for program in NEEDED if not shutil.which(program)]:
        pytest.skip(f"needs {', '.join(absent)}: apt-get install docker.io docker-compose mmdebstrap")
    if os.geteuid() != 0:
        pytest.skip("a container engine needs root")
    local = submit("demo")
    assert local.returncode == 0, local.stderr
    with Engine(Path(os.environ.get("PROCUREMENT_ENGINE_DIR", tmp_path / "engine"))) as engine:
        engine.make_base_image()
        engine.compose("build")
        try:
            engine.compose("up", "-d", *SERVICES)
            print(engine.client("./submit.sh", "check").stdout)
            print(engine.client("./submit.sh", "demo").stdout)
            again = engine.client("./submit.sh", "all", DAY)
            archive = engine.client("tar", "c", "-C", "/lake/output", "supplier_orders", binary=True).stdout
            modes = engine.client("stat", "-c", "%a", "/shared/passwords.json").stdout
        finally:
            engine.compose("down", "-v", "--timeout", "20", check=False)
    assert again.returncode == 0 and modes.strip() == "600"
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(tmp_path / "containers", filter="data")
    theirs, ours = (orders(tmp_path / "containers" / "supplier_orders" / DAY), orders(_output() / "supplier_orders" / DAY))
    assert theirs == ours and len(ours) > 100
    print(f"{len(ours)} order files of {DAY}, {sum(map(len, ours.values()))} bytes: the same from the containers")


def _output():
    return load_settings().path("paths.output")


def orders(folder):
    """The content of a date's supplier orders by file name."""
    return {f.name: f.read_bytes() for f in folder.glob("*.json") if not f.name.startswith(("_", "manifest"))}
