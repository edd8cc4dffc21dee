import stat
from contextlib import closing
from dataclasses import replace as copy

import psycopg2
import pytest
import sqlalchemy

from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres.url import SCHEMAS, PostgresUrl, hold_embedded_postgres, release_embedded_postgres

SECRET = "s3cret/with@signs:#%"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("postgresql://me:pw@db.host:6543/desk", PostgresUrl("db.host", 6543, "me", "desk", "pw")),
        ("postgres://me@db/desk", PostgresUrl("db", 5432, "me", "desk")),
        ("postgresql+psycopg2://me:p%40%2F%3A%23w@db/desk", PostgresUrl("db", 5432, "me", "desk", "p@/:#w")),
        ("postgresql://me@/desk?host=/var/run/pg&port=6000", PostgresUrl("/var/run/pg", 6000, "me", "desk")),
        ("postgresql://me@%2FVar%2Frun/desk", PostgresUrl("/Var/run", 5432, "me", "desk")),
        ("postgresql://db/desk?user=me&password=a+b", PostgresUrl("db", 5432, "me", "desk", "a+b")),
        ("postgresql://me:pw@db/desk?password=other", PostgresUrl("db", 5432, "me", "desk", "pw")),
        ("postgresql://[::1]:6000/desk", PostgresUrl("::1", 6000, "postgres", "desk")),
        ("postgresql:///my%20desk", PostgresUrl("localhost", 5432, "postgres", "my desk")),
        (
            "postgresql://db/desk?sslmode=require&connect_timeout=3",
            PostgresUrl("db", 5432, "postgres", "desk", "", (("connect_timeout", "3"), ("sslmode", "require"))),
        ),
    ],
)
def test_url_is_read(text, url):
    assert PostgresUrl.parse(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "", "desk", "mysql://me:s3cret@db/desk", "postgresql://me:s3cret@db", "postgresql://me:s3cret/x@db/desk",
        "postgresql://me:s3cret#x@db/desk", "postgresql://me:s3cret@db:port/desk", "postgresql://me:s3cret@[db/desk",
        "postgresql://db/desk?sslpassword=s3cret", "postgresql://me:s3cret@db/desk?port=many",
    ],
)  # fmt: skip
def test_text_that_is_no_url_is_an_error_that_does_not_repeat_it(text):
    with pytest.raises(LakeError, match="DATABASE_URL") as error:
        PostgresUrl.parse(text)
    assert "s3cret" not in str(error.value)
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_password_is_in_no_spelling_but_the_one_for_sqlalchemy():
    url = PostgresUrl("db", 5432, "me", "desk", SECRET)
    for shown in (repr(url), str(url), f"{[url]}", url.libpq()):
        assert SECRET not in shown
    assert sqlalchemy.make_url(url.sqlalchemy("dagster")).password == SECRET


def test_redaction_knows_every_spelling_of_the_password():
    url = PostgresUrl("db", 5432, "me", "desk", "a'b c")
    assert url.redact("x a'b c y 'a\\'b c' z a%27b%20c") == "x *** y *** z ***"
    assert PostgresUrl("db", 5432, "me", "desk").redact("text") == "text"


def test_sqlalchemy_sees_the_schema_first_and_keeps_other_options(postgres):
    url = copy(postgres, options=(("application_name", "a b"), ("options", "-cstatement_timeout=12345")))
    url.ensure_schemas()
    engine = sqlalchemy.create_engine(url.sqlalchemy("dagster"))
    with engine.connect() as connection:
        found = [connection.execute(sqlalchemy.text(f"SHOW {name}")).scalar() for name in
                 ("search_path", "statement_timeout", "application_name")]  # fmt: skip
    engine.dispose()
    assert found == ["dagster", "12345ms", "a b"]


def test_schemas_are_made_once(database):
    url = database()
    url.ensure_schemas()
    url.ensure_schemas()
    with closing(url.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s) ORDER BY 1", [list(SCHEMAS)])
        assert [row[0] for row in cursor.fetchall()] == sorted(SCHEMAS)


def test_database_url_opens_the_same_server_by_its_socket(database_url):
    url = PostgresUrl.parse(database_url())
    with closing(url.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert cursor.fetchone()[0] == url.database


def test_unreachable_server_is_an_error_without_the_password():
    url = PostgresUrl("127.0.0.1", 1, "me", "desk", SECRET)
    with pytest.raises(
        LakeError, match=r"cannot open the lake's Postgres at PostgresUrl\(me@127.0.0.1:1/desk\)"
    ) as error:
        url.connect()
    assert "Connection refused" in str(error.value)
    assert SECRET not in str(error.value)


def test_server_is_private_and_speaks_only_through_its_socket(postgres, tmp_path):
    with closing(postgres.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW listen_addresses")
        assert cursor.fetchone() == ("",)
        cursor.execute("SHOW unix_socket_directories")
        assert cursor.fetchone() == (postgres.host,)
        cursor.execute("SELECT datcollate, datlocprovider, pg_encoding_to_char(encoding) FROM pg_database LIMIT 1")
        assert cursor.fetchone() == ("C", "b", "UTF8")
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(host="127.0.0.1", port=5432, user="postgres", connect_timeout=1)


def test_holding_twice_is_holding_once(tmp_path):
    first = hold_embedded_postgres(tmp_path / "pg")
    assert hold_embedded_postgres(tmp_path / "x" / ".." / "pg") == first
    assert release_embedded_postgres(tmp_path / "pg")
    assert not release_embedded_postgres(tmp_path / "pg")
    assert stat.S_IMODE((tmp_path / "pg").stat().st_mode) == stat.S_IRWXU
