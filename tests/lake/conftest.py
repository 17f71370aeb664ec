"""What tests that break a lake share."""

import pytest

from common.lake.local import LocalLake
from tests.lake.own_lake import bring_up, quiet


@pytest.fixture(scope="package")
def own(tmp_path_factory):
    """A running lake that these tests may break."""
    made = LocalLake(tmp_path_factory.mktemp("ein See, ß") / "lake", "procurement")
    assert bring_up(made)
    yield made
    made.reset(quiet)
    assert not any(made.home.iterdir())
