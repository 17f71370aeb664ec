"""Settings: `conf/settings.yml` has every key with its default; `conf/<environment>/settings.yml` overrides some.

After the files come the environment (`PROCUREMENT_STAGING__ENGINE=judge` sets `staging.engine`) and then the command
line (`--set staging.engine=judge`). A key that the defaults do not have, a value of another type, or one that
common/setting_rules.py objects to is an error, which names the setting and the place where it stands.
The addresses of the services come from the environment alone (`TRINO_URL`, ...); in the environment `local` the local
lake supplies those that are not set.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from common.errors import Misconfigured
from common.setting_rules import ADDRESSES, is_address, objection

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ("local", "compose", "cluster")
SERVICES = tuple(ADDRESSES)
_PREFIX = "PROCUREMENT_"
# what a date's results are made with; its snapshot keeps them beside the master data (common/landing/master.py)
DECIDING = ("business.", "planning.", "staging.short_snapshot_percent")


class Settings(Mapping[str, Any]):
    """All settings by dotted key, such as `settings["staging.engine"]`; read only.

    `asked` are the keys that the environment or the command line sets, over what files say.
    """

    def __init__(self, values: dict[str, Any], environment: str, lake_dir: Path, asked: frozenset[str] = frozenset()) -> None:
        self._values, self.environment, self.lake_dir, self.asked = values, environment, lake_dir, asked

    def __getitem__(self, key: str) -> Any:
        if key not in self._values:
            raise Misconfigured(f"there is no setting {key!r}", where="conf/settings.yml")
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def path(self, key: str) -> Path:
        """A folder setting: absolute, `~` expanded; a relative one lies in the lake's folder."""
        return self.lake_dir / Path(self[key]).expanduser()

    def service(self, name: str) -> str:
        """The address of a service, one of SERVICES: from the environment, else from the local lake."""
        if value := os.environ.get(name):
            if not is_address(name, value):  # not shown: there may be a password in it
                what = f"{name} is no address of such a service: write it as {ADDRESSES[name][1]}"
                raise Misconfigured(what, where=f"environment variable {name}", next=f"export {name}=...")
            return value
        if self.environment == "local":
            if value := lake_addresses(self.lake_dir).get(name):
                return value
            raise Misconfigured(f"{name} is not known: the local lake was never started", next="./submit.sh lake up")
        raise Misconfigured(f"{name} is not set", where=f"environment {self.environment}", next=f"export {name}=...")

    def under(self, *prefixes: str) -> dict[str, Any]:
        """The settings under the given dotted prefixes (all of them when none is given)."""
        return {k: v for k, v in self._values.items() if not prefixes or k.startswith(prefixes)}

    def hash(self, *prefixes: str) -> str:
        """SHA-256 of the settings under the given dotted prefixes."""
        return hashlib.sha256(json.dumps(self.under(*prefixes), sort_keys=True).encode()).hexdigest()

    def overridden(self, texts: list[str]) -> Settings:
        """These settings with those that `key=value` texts set, as on the command line."""
        changed, asked = dict(self._values), set(self.asked)
        for text in texts:
            asked.add(_put_text(changed, text))
        return Settings(changed, self.environment, self.lake_dir, frozenset(asked))

    def replaced(self, values: Mapping[str, Any]) -> Settings:
        """These settings with other values; a key that is not there, or a value that it can't have, is Misconfigured."""
        changed = dict(self._values)
        for key, value in values.items():
            _put(changed, key, value, f"{key} = {value!r}")
        return Settings(changed, self.environment, self.lake_dir, self.asked)

    def of_night(self, kept: Mapping[str, Any]) -> Settings:
        """These settings with the values that a date keeps, but for those asked for now; a key that is no more is left out."""
        return self.replaced({key: value for key, value in kept.items() if key in self and key not in self.asked})


def lake_addresses(lake_dir: Path) -> dict[str, str]:
    """The addresses that the local lake chose at its first start; empty before it. Misconfigured when they are damaged."""
    file = lake_dir / "addresses.json"
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError):
        raise Misconfigured("the file is damaged", where=str(file), next="./submit.sh lake up") from None


def load_settings(overrides: list[str] | None = None) -> Settings:
    """The settings in force. `overrides` are `key=value` texts of the command line."""
    environment = os.environ.get(_PREFIX + "ENV", "local")
    if environment not in ENVIRONMENTS:
        raise Misconfigured(f"PROCUREMENT_ENV is {environment!r}", next=f"set it to one of {', '.join(ENVIRONMENTS)}")
    defaults = ROOT / "conf" / "settings.yml"
    values = _flat(defaults)
    for key, value in values.items():
        _check(key, value, str(defaults))
    own = ROOT / "conf" / environment / "settings.yml"
    for key, value in (_flat(own) if own.exists() else {}).items():
        _put(values, key, value, str(own))
    asked: set[str] = set()
    for name, text in sorted(os.environ.items()):
        if name.startswith(_PREFIX) and "__" in name:
            key = name.removeprefix(_PREFIX).lower().replace("__", ".")
            _put(values, key, _parsed(values.get(key), text), f"environment variable {name}")
            asked.add(key)
    for text in overrides or []:
        asked.add(_put_text(values, text))
    lake_dir = _expanded(os.environ.get(_PREFIX + "LAKE_DIR") or str(ROOT / "lake"), _PREFIX + "LAKE_DIR").resolve()
    return Settings(values, environment, lake_dir, frozenset(asked))


def _flat(file: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Misconfigured("the settings are not YAML", where=f"{file}: {error}") from None
    except OSError as error:
        raise Misconfigured(f"the settings can't be read: {error.strerror}", where=str(file)) from None
    if not isinstance(tree, dict):
        raise Misconfigured("the settings are no mapping of names to values", where=str(file))
    flat: dict[str, Any] = {}

    def walk(prefix: str, node: dict[str, Any]) -> None:
        for key, value in node.items():
            if isinstance(value, dict):
                walk(f"{prefix}{key}.", value)
            else:
                flat[f"{prefix}{key}"] = value

    walk("", tree)
    return flat


def _parsed(default: Any, text: str) -> Any:
    """What a text of the environment or the command line means: of a text setting itself, else YAML."""
    if isinstance(default, str):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _put_text(values: dict[str, Any], text: str) -> str:
    """Sets what a `key=value` of the command line says; the key."""
    key, equals, value = text.partition("=")
    if not equals:
        raise Misconfigured(f"--set {text!r} is not KEY=VALUE", next="./submit.sh settings")
    _put(values, key, _parsed(values.get(key), value), f"--set {text}")
    return key


def _put(values: dict[str, Any], key: str, value: Any, where: str) -> None:
    if key not in values:
        raise Misconfigured(f"there is no setting {key!r}", where=where, next="./submit.sh settings")
    default = values[key]
    if isinstance(default, str) and value is not None and not isinstance(value, (dict, list)):
        value = "" if value is None else str(value)
    if type(value) is not type(default):
        kind = type(default).__name__
        raise Misconfigured(f"{key} must be a {kind}, not {value!r}", where=where, next="./submit.sh settings")
    _check(key, value, where)
    values[key] = value


def _check(key: str, value: Any, where: str) -> None:
    if why := objection(key, value):
        raise Misconfigured(f"{key} is {value!r}: {why}", where=where, next="./submit.sh settings")


def _expanded(text: str, name: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise Misconfigured(f"{name} is {text!r}: there is no such user's home folder", next=f"export {name}=...") from None
