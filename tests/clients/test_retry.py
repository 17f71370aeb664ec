"""A service that went away is asked again for a while; one that never was there is not waited for."""

import socket
import threading
import time

import pytest

from common.clients import hdfs as hdfs_client
from common.clients import postgres as postgres_client
from common.clients import retry
from common.clients.hdfs import Hdfs
from common.clients.metastore import Metastore
from common.clients.postgres import Postgres
from common.clients.retry import Away, Retry, answer_within
from common.errors import NoInput, TryAgain, Unavailable
from common.publish.run import Clients
from common.publish.stale import _Seen
from common.settings import load_settings


class Service:
    """Answers `yes`, except that it is away when it is asked for these times."""

    def __init__(self, *away):
        self.away, self.asked = set(away), 0

    def __call__(self):
        self.asked += 1
        if self.asked in self.away:
            raise Away("the service was asked to nod and is away", "here:1")
        return "yes"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(retry, "_FIRST_PAUSE", 0.01)


def test_a_service_that_comes_back_answers():
    service, patience = Service(2, 3, 5), Retry(5)
    assert [patience(service) for _ in range(3)] == ["yes"] * 3
    assert service.asked == 6


def test_a_service_that_never_was_there_is_unavailable_at_once():
    service = Service(1, 2)
    with pytest.raises(Unavailable, match="asked to nod"):
        Retry(60)(service)
    assert service.asked == 1


def test_a_refusal_shows_that_the_service_is_there():
    def refuse():
        raise NoInput("no such thing")

    service, patience = Service(1), Retry(5)
    with pytest.raises(NoInput):
        patience(refuse)
    assert patience(service) == "yes"


def test_a_service_that_stays_away_ends_with_try_again_and_those_who_clean_up_do_not_wait_too():
    service, patience = Service(*range(2, 1000)), Retry(1)
    patience(service)
    begun = time.monotonic()
    with pytest.raises(TryAgain, match="asked to nod") as stopped:
        patience(service)
    assert 0.5 < time.monotonic() - begun < 1.5 and service.asked > 3
    assert (stopped.value.where, stopped.value.exit_code) == ("here:1", 75)
    assert "then the same command again" in stopped.value.next
    asked = service.asked
    with pytest.raises(TryAgain):
        patience(service)
    assert service.asked == asked + 1
    service.away = {service.asked + 2}
    assert patience(service) == patience(service) == "yes", "once it is back it is waited for again"


@pytest.mark.parametrize("kind", [Clients, _Seen], ids=["a run", "status"])
def test_the_metastore_is_waited_for_as_the_setting_says(kind, monkeypatch):
    for name, address in {"METASTORE_URI": "thrift://127.0.0.1:1", "HDFS_URL": "hdfs://127.0.0.1:1"}.items():
        monkeypatch.setenv(name, address)
    service, patience = Service(2), kind(load_settings()).metastore._retry
    assert [patience(service) for _ in range(2)] == ["yes"] * 2
    service, patience = Service(2), kind(load_settings(["services.retry_seconds=0"])).metastore._retry
    patience(service)
    with pytest.raises(TryAgain):
        patience(service)


def test_an_answer_that_never_comes_is_not_waited_for():
    assert answer_within(5, lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        answer_within(5, lambda: 1 // 0)
    never = threading.Event()
    with pytest.raises(TimeoutError):
        answer_within(0.1, never.wait)
    never.set()


@pytest.fixture
def silent():
    """The port of a server that accepts connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        before = threading.active_count()
        yield server.getsockname()[1]
    while threading.active_count() > before:  # those who wait for a word now hear that there is nobody
        time.sleep(0.01)


def test_a_namenode_that_falls_silent_is_away(silent, monkeypatch):
    monkeypatch.setattr(hdfs_client, "_ANSWER_SECONDS", 0.3)
    with pytest.raises(Unavailable, match="HDFS was asked to list /raw and is away") as failure:
        Hdfs(f"hdfs://127.0.0.1:{silent}").list("/raw")
    assert f"127.0.0.1:{silent}: TimeoutError" in failure.value.where


def test_a_postgresql_that_never_greets_is_unavailable(silent, monkeypatch):
    """One that falls silent later: test_silent_postgres.py."""
    monkeypatch.setitem(postgres_client._OPTIONS, "connect_timeout", 2)
    with pytest.raises(Unavailable, match="PostgreSQL can't be reached"):
        Postgres(f"postgresql://u:secret@127.0.0.1:{silent}/d").rows("select 1")


@pytest.fixture
def nobody():
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_wrong_address_is_unavailable_within_seconds(nobody):
    asked = [
        lambda: Hdfs(f"hdfs://127.0.0.1:{nobody}", retry_seconds=60).exists("/raw"),
        lambda: Metastore(f"thrift://127.0.0.1:{nobody}", "hdfs://x", retry_seconds=60).tables("staging"),
        lambda: Postgres(f"postgresql://u:secret@127.0.0.1:{nobody}/d", retry_seconds=60).rows("select 1"),
    ]
    begun = time.monotonic()
    for ask in asked:
        with pytest.raises(Unavailable) as failure:
            ask()
        assert failure.value.exit_code == 69 and f"127.0.0.1:{nobody}" in failure.value.where
        assert "secret" not in str(failure.value)
    assert time.monotonic() - begun < 10
