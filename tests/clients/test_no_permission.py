"""What a service closes to the user of a command is 73, with the place: no service is away, and it is no bug of ours."""

from types import SimpleNamespace

import psycopg2
import pytest
from trino.exceptions import TrinoUserError

from common.clients.hdfs import _failure as of_hdfs
from common.clients.postgres import Postgres
from common.clients.trino import _failure as of_trino
from common.errors import CannotWrite

CLOSED = {
    "hdfs": lambda: of_hdfs("mkdirs", "/raw", RuntimeError("...AccessControlException: Permission denied: user=etl"), "h"),
    "trino": lambda: of_trino(
        TrinoUserError({"errorName": "PERMISSION_DENIED", "errorType": "USER_ERROR", "message": "Access Denied: no"}, "q1")
    ),
    "postgresql": lambda: Postgres("postgresql://u:p@h:1/d").failure(
        SimpleNamespace(was_cut=False, closed=0), psycopg2.errors.InsufficientPrivilege("permission denied for schema ops")
    ),
}


@pytest.mark.parametrize("service", CLOSED)
def test_no_permission(service):
    failure = CLOSED[service]()
    assert isinstance(failure, CannotWrite) and failure.where and failure.next
    assert "no permission" in failure.what or "Access Denied" in failure.what


def test_postgresql_says_so_itself(postgres):
    with pytest.raises(CannotWrite, match="no permission"), postgres.transaction() as cursor:
        cursor.execute("select * from pg_authid")
