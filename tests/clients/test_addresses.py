"""Addresses that nothing can be reached by, and the way to those that can: no traceback, no password, no proxy."""

import http.server
import logging
import threading

import pytest

from common.check import Checks
from common.cli import guarded
from common.clients.hdfs import Hdfs
from common.clients.metastore import Metastore
from common.clients.postgres import Postgres
from common.clients.trino import Trino
from common.errors import Misconfigured, TryAgain, Unavailable
from common.settings import SERVICES, load_settings

WRONG = [  # what a password becomes that is not escaped
    "S3cret%zz9", "S3cret%", "12/S3cret", "12/S3cret@x", "12/34?S3cret", "a@S3cret", "S3cret@b", "12/S3cret%zz",
]  # fmt: skip


@pytest.mark.parametrize("password", WRONG)
def test_a_password_that_is_not_escaped_is_misconfigured_and_never_shown(password):
    with pytest.raises(Misconfigured, match="the address of PostgreSQL can't be read") as failure:
        Postgres(f"postgresql://u:{password}@h:5432/db")
    assert "S3cret" not in str(failure.value) and failure.value.__cause__ is None


@pytest.mark.parametrize(("address", "place"), [
    ("postgresql://u:S3cret@h:5433/db", "h:5433/db"), ("postgres://u:S%2F3cr%40et@h/db?sslmode=require", "h:5432/db"),
    ("postgresql://u:12#S3cret@h:5432/db", "h:5432/db"), ("postgresql://u:12?S3cret@h/db", "h:5432/db"),
    ("postgresql:///db?host=/run", "/run:5432/db"), ("postgresql://h/db?user=a@b", "h:5432/db"),
])  # fmt: skip
def test_the_place_of_a_database_has_nothing_of_its_password(address, place):
    assert Postgres(address).place == place


@pytest.mark.parametrize("address", ["hdfs://nn", "hdfs://nn:99999", "hdfs://"])
def test_an_address_of_hdfs_that_leads_to_no_host_is_misconfigured(address):
    with pytest.raises(Misconfigured, match=f"HDFS can't be at {address}: "):
        Hdfs(address)


def test_a_check_tells_of_every_service_whatever_their_addresses_are(monkeypatch, capfd):
    """Not one of these leads anywhere."""
    local = dict.fromkeys(SERVICES, "http://127.0.0.1:1") | {"DATABASE_URL": "postgresql://u:S3cret@127.0.0.1:1/db"}
    for name, address in {**local, "HDFS_URL": "hdfs://nn", "METASTORE_URI": "thrift://nowhere.invalid:1"}.items():
        monkeypatch.setenv(name, address)
    results = {r.service: r.failed for r in Checks(load_settings()).run()}
    assert len(results) == 8 and all(results.values())
    assert results["hdfs"].startswith("HDFS can't be at hdfs://nn: ")
    assert capfd.readouterr().err == ""


def test_a_metastore_that_can_not_be_found_is_told_of_once(caplog):
    def ask():
        return len(Metastore("thrift://nowhere.invalid:9083", "hdfs://x").tables("staging"))

    with pytest.raises(Unavailable, match="the metastore was asked to list staging and is away"), caplog.at_level(logging.DEBUG):
        ask()
    assert not [record for record in caplog.records if record.name.startswith("thrift")]
    assert guarded(ask) == 69


class _Proxy(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked.append(self.path)
        self.send_error(403)

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def proxy(monkeypatch):
    """What a proxy that all variables name was asked for."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Proxy) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield server.asked
        server.shutdown()


def test_a_trino_on_this_machine_or_beside_it_is_asked_without_a_proxy(proxy):
    for host in ("127.0.0.1", "localhost", "[::1]", "one-word-alone"):
        with pytest.raises(TryAgain, match="Trino was asked to run a statement and is away"):
            Trino(f"http://{host}:1", "me", retry_seconds=0).execute(lambda: "select 1")
    assert proxy == []
    with pytest.raises(Unavailable, match="Trino refused a request: error 403"):
        Trino("http://trino.example:1", "me", retry_seconds=0).execute("select 1")
    assert proxy == ["http://trino.example:1/v1/statement"]
