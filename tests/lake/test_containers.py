"""docker-compose.yml: valid, careful, and run for real: the containers' orders are the local lake's, byte for byte."""

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest
import yaml
from container_engine import NEEDED, Engine

from common.extra_packages import extra
from common.lake.layout import SERVICES
from common.settings import ROOT
from tests.replay.nights import files_of

COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "conf" / "compose" / "Dockerfile"
REQUIREMENTS = ROOT / "tests" / "lake" / "requirements.txt"
DAY = "2031-03-05"
PLAN = ("--stores", "6", "--orders", "300", "--skus", "120", "--warehouses", "2", "--dirty", "2", "--seed", "7")


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(COMPOSE.read_text())["services"]


def test_every_service_of_the_lake_is_there_with_a_health_check(services):
    assert set(services) == {*SERVICES, "client"}
    assert all("healthcheck" in services[name] for name in SERVICES)
    assert all(set(service.get("depends_on", ())) <= set(SERVICES) for service in services.values())
    assert services["client"]["depends_on"] == {name: {"condition": "service_healthy"} for name in SERVICES}


def test_ports_are_published_on_loopback_and_data_lies_in_named_volumes(services):
    text = yaml.safe_load(COMPOSE.read_text())
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(text["volumes"])


def test_no_password_is_in_the_files():
    for file in (COMPOSE, DOCKERFILE):
        assert not re.search(r"passw\w*\s*[:=]", file.read_text(), re.IGNORECASE)


def test_the_image_sets_itself_up_from_what_is_copied_for_that(tmp_path):
    """The code comes later, so that a change of it does not repeat the set-up: which then has to have all that it imports."""
    for sources in re.findall(r"^COPY (.+)", DOCKERFILE.read_text().replace("\\\n", " ").partition("COPY . .")[0], re.M):
        *files, folder = sources.split()
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(ROOT / file, tmp_path / folder)
    imported = "from common.lake import artifacts, bootstrap, java; print(bootstrap.__file__)"
    bare = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", imported], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/common/lake/bootstrap.py\n"), done.stderr


@pytest.fixture(scope="module")
def parse():
    """A parser of the Compose specification; variables take the default that the file gives them, as they do unset."""
    spec = extra("compose_spec", REQUIREMENTS, next="./submit.sh test again")

    def parse(text):
        found = spec.PyOptions(apply_merge=True).from_yaml(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
        found.validate()
        return found

    return parse


def test_a_compose_parser_accepts_the_file(parse):
    assert set(parse(COMPOSE.read_text()).service_names()) == {*SERVICES, "client"}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("image:", "imgae:"),
        ("127.0.0.1:", "nowhere:"),
        ("condition: service_healthy", "condition: service_well"),
        ("interval: 5s", "interval: 5 parsecs"),
    ],
)
def test_the_parser_refuses_what_is_wrong(parse, right, wrong):
    text = COMPOSE.read_text()
    assert right in text
    with pytest.raises(ValueError):
        parse(text.replace(right, wrong, 1))


@pytest.mark.slow
@pytest.mark.containers
def test_the_client_container_gives_the_local_lakes_bytes(tmp_path, night_of_a_lake):
    """Builds the image, brings the lake up, runs the same night in the client and compares its files with the local ones."""
    if absent := [program for program in NEEDED if not shutil.which(program)]:
        pytest.skip(f"needs {', '.join(absent)}: apt-get install docker.io docker-compose mmdebstrap")
    if os.geteuid() != 0:
        pytest.skip("a container engine needs root")
    ours = night_of_a_lake
    # not below tmp_path: the path of a socket may have 107 bytes, and the engine's lies deep in its folder
    with Engine(Path(os.environ.get("PROCUREMENT_ENGINE_DIR") or tempfile.mkdtemp(prefix="engine-"))) as engine:
        engine.make_base_image()
        engine.compose("build")
        try:
            engine.compose("up", "-d", *SERVICES)
            print(engine.client("./submit.sh", "check").stdout)
            engine.client("./submit.sh", "generate", DAY, *PLAN)
            print(engine.client("./submit.sh", "all", DAY).stdout)
            archive = engine.client("tar", "c", "-h", "-C", f"/lake/output/supplier_orders/{DAY}", ".", binary=True).stdout
            mode = engine.client("stat", "-c", "%a", "/shared/passwords.json").stdout
        finally:
            engine.compose("down", "-v", "--timeout", "20", check=False)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(tmp_path / "supplier_orders" / DAY, filter="data")
    assert files_of(tmp_path, DAY) == ours
    assert mode.strip() == "600"
    print(f"{len(ours)} files of {DAY}, {sum(map(len, ours.values()))} bytes: the same from the containers")


@pytest.fixture
def night_of_a_lake(tmp_path):
    """The files of the same night on a fresh local lake, which is stopped afterwards."""
    own = os.environ | {"PROCUREMENT_LAKE_DIR": str(tmp_path / "local")}

    def submit(*arguments):
        return subprocess.run([ROOT / "submit.sh", *arguments], env=own, capture_output=True, text=True, check=False)

    try:
        for arguments in (("generate", DAY, *PLAN), ("all", DAY)):
            done = submit(*arguments)
            assert done.returncode == 0, done.stderr
        found = files_of(tmp_path / "local" / "output", DAY)
        assert len(found) > 5
        yield found
    finally:
        submit("lake", "reset", "--yes")
