"""A lake that tests may break: in a folder with a space and letters beyond ASCII, used by one worker alone."""

import pytest

from common.lake import trino_node

DAY = "2033-08-01"  # has a finished night


def quiet(text):
    """No progress."""


def bring_up(lake):
    """Starts what does not run; whether anything was started. Trino gets its quick compiler alone: it lives for minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trino_node, "_COMPILERS", ("-XX:TieredStopAtLevel=1",))
        return lake.up(quiet)
