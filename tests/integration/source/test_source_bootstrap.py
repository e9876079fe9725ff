"""The database roles: created once, harmless twice, and with no more rights than they need."""

import pg8000.exceptions
import pytest

from lakehouse import roles
from lakehouse.environment import BootstrapEnvironment
from lakehouse.errors import SourceError
from lambdas import database
from lambdas.bootstrap import database_roles
from tests.integration.source.conftest import MASTER, PASSWORD, Connect, Source, refusal

_STATE = """
SELECT (SELECT jsonb_agg(to_jsonb(r) ORDER BY rolname) FROM pg_roles r),
       (SELECT jsonb_agg(to_jsonb(m) - 'oid' ORDER BY roleid, member, grantor)
        FROM pg_auth_members m),
       (SELECT jsonb_agg(to_jsonb(d)) FROM pg_default_acl d),
       (SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'),
       (SELECT datacl::text FROM pg_database WHERE datname = current_database())
"""


def _target(source: Source) -> BootstrapEnvironment:
    return BootstrapEnvironment(
        database_host="localhost",
        database_port=source.front.port,
        database_name=source.database,
    )


def test_twice_is_harmless(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(database.CA_FILE_VARIABLE, str(source.front.ca_file))
    database_roles.create_roles(_target(source), MASTER, PASSWORD)
    admin = source.connect()
    first = admin.run(_STATE)
    database_roles.create_roles(_target(source), MASTER, PASSWORD)
    assert admin.run(_STATE) == first
    admin.close()


def test_the_administrator_keeps_the_password_login(connect: Connect) -> None:
    (row,) = connect().run("SELECT current_user, pg_has_role('rds_iam', 'USAGE')")
    assert row == [MASTER, False]


def test_a_wrong_password_is_told_without_it(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(database.CA_FILE_VARIABLE, str(source.front.ca_file))
    said = refusal(
        SourceError, lambda: database_roles.create_roles(_target(source), MASTER, "hunter2")
    )
    assert "password authentication failed" in said
    assert "hunter2" not in said


def test_ingest_reads_tables_of_the_future(connect: Connect) -> None:
    connect(roles.GENERATOR).run("CREATE TABLE later (id int)")
    connect(MASTER).run("CREATE TABLE later_still (id int)")
    ingest = connect(roles.INGEST)
    assert ingest.run("SELECT count(*) FROM later") == [[0]]
    assert ingest.run("SELECT count(*) FROM later_still") == [[0]]


def test_ingest_reads_tables_that_were_there_before(source: Source) -> None:
    admin = source.connect()
    admin.run("CREATE TABLE before (id int)")
    database_roles.apply(admin)
    admin.close()
    ingest = source.connect(roles.INGEST)
    assert ingest.run("SELECT count(*) FROM before") == [[0]]
    ingest.close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO goods VALUES (1)",
        "DELETE FROM goods",
        "TRUNCATE goods",
        "CREATE TABLE mine (id int)",
    ],
)
def test_ingest_writes_nothing(connect: Connect, statement: str) -> None:
    connect(roles.GENERATOR).run("CREATE TABLE goods (id int)")
    with pytest.raises(pg8000.exceptions.DatabaseError, match="permission denied"):
        connect(roles.INGEST).run(statement)


def test_ingest_sees_since_when_others_write(connect: Connect) -> None:
    writer = connect(roles.GENERATOR)
    writer.run("BEGIN")
    (begun,) = writer.run("SELECT now(), pg_backend_pid()")
    assert connect(roles.INGEST).run(
        "SELECT xact_start FROM pg_stat_activity WHERE pid = :pid", pid=begun[1]
    ) == [[begun[0]]]


def test_where_the_statistics_right_can_not_be_given_the_wider_one_is(source: Source) -> None:
    source.engine.query("REVOKE pg_read_all_stats FROM rds_superuser CASCADE")
    try:
        admin = source.connect()
        database_roles.apply(admin)
        (row,) = admin.run(
            f"SELECT pg_has_role('{roles.INGEST}', 'pg_monitor', 'USAGE'), "
            f"pg_has_role('{roles.INGEST}', 'pg_read_all_stats', 'USAGE')"
        )
        admin.close()
        assert row == [True, True]
    finally:
        source.engine.query("REVOKE pg_monitor FROM rds_superuser CASCADE")
        source.engine.query(
            "GRANT pg_monitor, pg_read_all_stats TO rds_superuser WITH ADMIN OPTION"
        )
