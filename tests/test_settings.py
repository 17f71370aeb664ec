"""Settings: a typing mistake is an error, never a default silently kept."""

import pytest

from common.errors import Misconfigured
from common.settings import load_settings


def test_the_command_line_wins_over_the_environment_and_that_over_the_files(monkeypatch):
    assert load_settings()["planning.spike_factor"] == 2
    monkeypatch.setenv("PROCUREMENT_PLANNING__SPIKE_FACTOR", "3")
    assert load_settings()["planning.spike_factor"] == 3
    assert load_settings(["planning.spike_factor=4"])["planning.spike_factor"] == 4


@pytest.mark.parametrize(
    "override", ["planning.spike_faktor=3", "planning.spike_factor=many", "planning.spike_factor=2.5", "planning.spike_factor"]
)
def test_an_unknown_key_or_another_type_is_an_error(override):
    with pytest.raises(Misconfigured):
        load_settings([override])


@pytest.mark.parametrize("text", ["@x", "*x", "{'x'", "/data/in #2", "22:00", "", "off"])
def test_a_text_is_taken_as_it_is(text):
    assert load_settings([f"paths.inbox={text}"])["paths.inbox"] == text


@pytest.mark.parametrize("text", ["@x", "{'x'", "[", ""])
def test_what_is_no_number_is_an_error(text):
    with pytest.raises(Misconfigured):
        load_settings([f"planning.spike_factor={text}"])


def test_an_unknown_environment_is_an_error(monkeypatch):
    monkeypatch.setenv("PROCUREMENT_ENV", "production")
    with pytest.raises(Misconfigured):
        load_settings()


def test_the_hash_sees_only_the_asked_for_keys():
    base, other = load_settings(), load_settings(["planning.spike_factor=9"])
    assert base.hash("staging.") == other.hash("staging.")
    assert base.hash("planning.") != other.hash("planning.")


def test_a_service_without_address_names_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("PROCUREMENT_ENV", "cluster")
    monkeypatch.delenv("TRINO_URL", raising=False)
    with pytest.raises(Misconfigured, match="TRINO_URL"):
        load_settings().service("TRINO_URL")
