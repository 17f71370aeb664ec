"""Addresses that nothing can be reached by, and the way to those that can: no traceback, no password, no proxy."""


import pytest

from common.clients.postgres import Postgres
from common.errors import Misconfigured

WRONG = [  # what a password becomes that is not escaped
    "S3cret%zz9", "S3cret%", "12/S3cret", "12/S3cret@x", "12/34?S3cret", "a@S3cret", "S3cret@b", "12/S3cret%zz",
]  # fmt: skip


@pytest.mark.parametrize("password", WRONG)
def test_a_password_that_is_not_escaped_is_misconfigured_and_never_shown(password):
    with pytest.raises(Misconfigured, match="the address of PostgreSQL can't be read") as failure:
        Postgres(f"postgresql://u:{password}@h:5432/db")
    assert "S3cret" not in str(failure.value) and failure.value.__cause__ is None


@pytest.mark.parametrize(("address", "place"), [
    ("postgresql://u:S3cret@h:5433/db", "h:5433/db"), ("postgres://u:S%2F3cr%40et@h/db?sslmode=require", "h:5432/db"),
    ("postgresql://u:12#S3cret@h:5432/db", "h:5432/db"), ("postgresql://u:12?S3cret@h/db", "h:5432/db"),
    ("postgresql:///db?host=/run", "/run:5432/db"), ("postgresql://h/db?user=a@b", "h:5432/db"),
])  # fmt: skip
def test_the_place_of_a_database_has_nothing_of_its_password(address, place):
    assert Postgres(address).place == place
