"""Packages that one command needs and no stage of the night: installed into the user's cache folder at first use.

So neither the pipeline's environment nor what is shipped to executors grows, and no package holds another one back.
"""

from __future__ import annotations

import hashlib
import importlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common.errors import Unavailable
from common.lake.places import cache_dir, locked
from common.settings import ROOT


def extra(module: str, requirements: Path, *, next: str) -> Any:
    """The module, of the packages pinned in `requirements`, without what these name besides.

    Unavailable, with `next` as the hint, when they can't be installed.
    """
    package = module.partition(".")[0]
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = cache_dir() / f"{package}-{digest}"
    if not folder.exists():
        with locked(cache_dir() / f"{package}.lock", "Waiting for another set-up that is under way"):
            if not folder.exists():
                _install(package, requirements, folder, next)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # last: what the pipeline has itself stays the pipeline's
    return importlib.import_module(module)


def _install(package: str, requirements: Path, folder: Path, next: str) -> None:
    with tempfile.TemporaryDirectory(prefix="incomplete-", dir=cache_dir()) as work:
        options = ["--quiet", "--no-deps", "--no-input", "--disable-pip-version-check", "--target", f"{work}/packages"]
        command = [sys.executable, "-m", "pip", "install", *options, "-r", str(requirements)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            told = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Unavailable(f"{package} could not be installed: {told}", where=str(requirements.relative_to(ROOT)), next=next)
        Path(work, "packages").rename(folder)
