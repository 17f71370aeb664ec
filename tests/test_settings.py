"""Settings: a typing mistake is an error, never a default silently kept."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from common import cli, settings
from common.errors import Misconfigured
from common.setting_rules import FORMS, OTHERS, RANGES, WORDS
from common.settings import load_settings

BAD = {  # what each setting that is a text of some form can't be
    "business.time_zone": ["Mars/Olympus", "../etc/passwd", "", "America"],
    "business.day_ends": ["25:00", "24:01", "10", "noon", "9:00", "1320", "２２:00", "22:00\n"],
    "business.currency": ["usd", "US", "USD'", "", "US1", "ＵＳＤ"],
    "paths.inbox": ["~nobody-of-that-name/inbox", "a\nb", "a\0b"],
    "paths.output": ["~nobody-of-that-name/output"],
    "hdfs.raw": ["raw", "/raw/", "/", "", "/a/../b", "hdfs://host/raw", "/a b"],
    "hdfs.warehouse": ["warehouse", "/warehouse/."],
    "night.window": ["22-00", "24:00-01:00", "22:00–00:00", "22:60-23:00"],
    "trino.user": ["", "a b", "a:b", "é"],
    "spark.master": ["", "local[", "local[two]", "local[0]", "cluster", "spark://"],
    "spark.driver_memory": ["", "1", "one", "0g", "1.5g"],
    "spark.package": ["~nobody-of-that-name/package"],
}


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


def test_every_setting_says_what_it_means():
    text = (settings.ROOT / "conf" / "settings.yml").read_text(encoding="utf-8")
    lines = re.findall(r"^  (\w+): .*?(?:  # (.{5,}))?$", text, re.M)
    assert len(lines) == len(load_settings())
    assert not [name for name, meaning in lines if not meaning]


def test_every_variable_of_the_environment_is_documented():
    own = {f"PROCUREMENT_{name}" for name in ("DATABASE_PASSWORD", "JAVA", "LAKE_SERVICE", "SHARED_DIR", "SPARK_CLASSES")}
    code = [settings.ROOT / "submit.sh", settings.ROOT / "docker-compose.yml", *(settings.ROOT / "common").rglob("*.py")]
    pages = [settings.ROOT / "README.md", settings.ROOT / "docker-compose.yml", *(settings.ROOT / "docs").glob("*.md")]
    named = r"\b(PROCUREMENT_[A-Z]+(?:_[A-Z]+)*|MAVEN_REPOSITORY|XDG_CACHE_HOME)\b"
    used = {name for file in code for name in re.findall(named, file.read_text(encoding="utf-8"))} - own
    told = {name for file in pages for name in re.findall(named, file.read_text(encoding="utf-8"))}
    assert {"PROCUREMENT_ENV", "PROCUREMENT_LAKE_DIR"} <= used <= told


def test_every_setting_has_its_rule_or_is_yes_or_no():
    ruled = [*WORDS, *RANGES, *FORMS, *OTHERS]
    assert sorted(ruled) == sorted(key for key, value in load_settings().items() if not isinstance(value, bool))
    assert set(BAD) == {*FORMS, *OTHERS}


@pytest.mark.parametrize(("key", "value"), [
    *((key, value) for key, values in BAD.items() for value in values),
    *((key, word) for key in WORDS for word in ("", "no such word")),
    *((key, str(n)) for key, (least, most) in RANGES.items() for n in (least - 1, most + 1)),
])  # fmt: skip
def test_a_value_that_nothing_can_work_with_is_refused_with_its_name_and_place(key, value):
    with pytest.raises(Misconfigured, match=f"^{key} is ") as failure:
        load_settings([f"{key}={value}"])
    assert failure.value.where == f"--set {key}={value}"


def test_a_bad_value_ends_a_command_with_78_whatever_it_would_have_done(monkeypatch, capsys):
    monkeypatch.setenv("PROCUREMENT_BUSINESS__DAY_ENDS", "late")
    for command in (["generate", "2017-12-23"], ["retailer", "2017-12-23"], ["all", "2017-12-23"], ["status"]):
        assert cli.run(command) == 78
        said = capsys.readouterr().err
        assert "business.day_ends is 'late'" in said and "PROCUREMENT_BUSINESS__DAY_ENDS" in said
        assert "Traceback" not in said


@pytest.mark.parametrize(("key", "value"), [("BUSINESS__TIME_ZONE", "Mars"), ("SPARK__PACKAGE", "/no/such/folder")])
def test_spark_s_options_are_not_given_for_a_bad_value(key, value):
    bad = {"PROCUREMENT_ENV": "cluster", f"PROCUREMENT_{key}": value, "PYTHONPATH": str(settings.ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "common.clients.spark"], env=os.environ | bad, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (78, "")
    assert value in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["- 1", "\xff", "business: {day_ends: 22:00}", "business: {day_ends: noon}", "1: {2: 3}"])
def test_a_file_that_can_not_be_taken_is_named(monkeypatch, tmp_path, text):
    shutil.copytree(settings.ROOT / "conf", tmp_path / "conf")
    own = tmp_path / "conf" / "local" / "settings.yml"
    own.write_text(text, encoding="latin-1")
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    with pytest.raises(Misconfigured) as failure:
        load_settings()
    assert str(own) in failure.value.where


def test_a_lake_folder_of_nobody_is_an_error(monkeypatch):
    monkeypatch.setenv("PROCUREMENT_LAKE_DIR", "~nobody-of-that-name/lake")
    with pytest.raises(Misconfigured, match="PROCUREMENT_LAKE_DIR"):
        load_settings()


@pytest.mark.parametrize("text", ["@x", "*x", "{'x'", "/data/in #2", "22:00", "", "off"])
def test_a_text_is_taken_as_it_is(text):
    assert load_settings([f"paths.inbox={text}"])["paths.inbox"] == text


@pytest.mark.parametrize("text", ["@x", "{'x'", "[", ""])
def test_what_is_no_number_is_an_error(text):
    with pytest.raises(Misconfigured):
        load_settings([f"planning.spike_factor={text}"])


def test_a_setting_is_there_or_not():
    settings = load_settings()
    assert "planning.spike_factor" in settings and "planning.spike_faktor" not in settings


def test_what_a_night_keeps_goes_before_files_and_after_what_is_asked_for(monkeypatch):
    monkeypatch.setenv("PROCUREMENT_PLANNING__SPIKE_FACTOR", "7")
    today = load_settings(["planning.max_order_qty=50"])
    kept = {"planning.spike_factor": 3, "planning.max_order_qty": 4, "planning.policy": "order_up_to", "planning.of_old": 1}
    night = today.of_night(kept)
    assert [night[f"planning.{key}"] for key in ("spike_factor", "max_order_qty", "policy")] == [7, 50, "order_up_to"]
    assert "planning.of_old" not in night


def test_an_unknown_environment_is_an_error(monkeypatch):
    monkeypatch.setenv("PROCUREMENT_ENV", "production")
    with pytest.raises(Misconfigured):
        load_settings()


def test_the_hash_sees_only_the_asked_for_keys():
    base, other = load_settings(), load_settings(["planning.spike_factor=9"])
    assert base.hash("staging.") == other.hash("staging.")
    assert base.hash("planning.") != other.hash("planning.")


@pytest.mark.parametrize(("name", "value"), [
    ("TRINO_URL", "https://u:secret@trino.example"), ("TRINO_URL", "trino:8080"), ("TRINO_URL", "http://"),
    ("TRINO_URL", "http://h:port"), ("TRINO_URL", "http://h:99999"),
    ("DATABASE_URL", "mysql://u:secret@h/db"), ("METASTORE_URI", "thrift://h"), ("DATABASE_URL", "postgresql://u:secret@[h/db"),
    ("HDFS_URL", "/raw"), ("HDFS_URL", "webhdfs://h:1"), ("METASTORE_URI", "h:9083"), ("WEBHDFS_URL", "http://h:0"),
])  # fmt: skip
def test_an_address_that_is_none_is_named_and_never_shown(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=f"{name} is no address") as failure:
        load_settings().service(name)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(("name", "value"), [
    ("TRINO_URL", "https://trino.example"), ("DATABASE_URL", "postgres://u:p%40@h:5432/db?sslmode=require"),
    ("HDFS_URL", "hdfs://nameservice"), ("DATABASE_URL", "postgresql:///db?host=/run"),
    ("METASTORE_URI", "thrift://127.0.0.1:9083"), ("WEBHDFS_URL", "http://[::1]:9870/webhdfs/v1"),
])  # fmt: skip
def test_an_address_is_taken_as_it_is(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert load_settings().service(name) == value


def test_a_service_without_address_names_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("PROCUREMENT_ENV", "cluster")
    monkeypatch.delenv("TRINO_URL", raising=False)
    with pytest.raises(Misconfigured, match="TRINO_URL"):
        load_settings().service("TRINO_URL")
