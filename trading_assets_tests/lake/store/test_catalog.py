import pickle
import subprocess
import sys
from contextlib import closing
from dataclasses import replace as copy
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from trading_assets.lake import Lake, LakeFrame
from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store._connecting import import_extensions
from trading_assets.lake.store.retries import MAX_ATTEMPTS, roll_back, with_retries
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets_tests.lake.examples import BARS, bars, content, symbol_years

SECRET = "p a\\s's@:/#%;"
NOWHERE = PostgresUrl("127.0.0.1", 1, "reader", "lake", SECRET)


@pytest.fixture
def guarded(postgres, database):
    """Database of a user with special characters who needs a password with special characters."""
    name, user = database().database, "o'x y\\"
    quoted = user.replace('"', '""')
    rules = Path(postgres.host) / "pg_hba.conf"
    rule = f'local all "{quoted}" scram-sha-256\n'
    if rule not in rules.read_text():
        rules.write_text(rule + rules.read_text())
    connection = postgres.connect()
    with connection.cursor() as cursor:
        cursor.execute(f'DROP ROLE IF EXISTS "{quoted}"')
        cursor.execute(f'CREATE ROLE "{quoted}" SUPERUSER LOGIN PASSWORD %s', [SECRET])
        cursor.execute("SELECT pg_reload_conf()")
        cursor.execute(f'DROP DATABASE IF EXISTS "{name} of ""o\'x"')
        cursor.execute(f'ALTER DATABASE {name} RENAME TO "{name} of ""o\'x"')
        yield copy(postgres, user=user, database=f"{name} of \"o'x", password=SECRET)
        cursor.execute(f'ALTER DATABASE "{name} of ""o\'x" RENAME TO {name}')
    connection.close()


def test_special_characters_in_user_password_and_database_work(guarded, tmp_path):
    guarded.ensure_schemas()
    lake = Lake(guarded, f"{tmp_path}/")
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    assert content(lake) == bars("A").rows()
    shown = str(lake.query("FROM duckdb_databases()").rows()) + repr(lake) + lake.attach_statement(read_only=True)
    lake.close()
    assert SECRET not in shown
    assert "a\\s" not in shown


def test_wrong_password_is_an_error_without_it(guarded, tmp_path):
    wrong = copy(guarded, password="not the pass'word")
    for attempt in (wrong.connect, Lake(wrong, f"{tmp_path}/").cursor, Lake(wrong, f"{tmp_path}/").attach):
        with pytest.raises(LakeError, match="password authentication failed") as error:
            attempt()
        assert "pass'word" not in str(error.value)
        assert "pass\\'word" not in str(error.value)


@pytest.mark.parametrize("attempt", ["cursor", "attach"])
def test_unreachable_postgres_is_an_error_without_the_password(attempt, tmp_path):
    with pytest.raises(LakeError, match=r"PostgresUrl\(reader@127\.0\.0\.1:1/lake\)") as error:
        getattr(Lake(NOWHERE, f"{tmp_path}/"), attempt)()
    assert "Connection refused" in str(error.value)
    assert SECRET not in str(error.value)
    assert error.value.__suppress_context__


def test_lake_travels_to_other_processes_without_its_connection(lake):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    other = pickle.loads(pickle.dumps(lake))
    assert content(other) == bars("A").rows()
    other.close()


def test_closed_lake_opens_again(lake):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    lake.close()
    lake.close()
    assert content(lake) == bars("A").rows()


def test_connections_that_postgres_has_dropped_are_replaced(lake, postgres):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    connection = postgres.connect()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", [lake.postgres.database]
        )
        assert cursor.fetchone()[0] > 0
    connection.close()
    assert content(lake) == bars("A").rows()
    assert replace(lake, BARS_DAILY, bars("A", price=3.0), symbol_years("A")).changed == 5


def sessions(lake, postgres):
    """Sessions of Postgres on a lake."""
    with closing(postgres.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [lake.postgres.database])
        return cursor.fetchone()[0]


def test_questions_and_writes_use_the_sessions_of_those_before_and_closing_ends_them(lake, postgres):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    before = sessions(lake, postgres)
    for price in range(3, 8):
        replace(lake, BARS_DAILY, bars("A", price=price), symbol_years("A"))
        content(lake)
    assert sessions(lake, postgres) == before
    lake.close()
    assert sessions(lake, postgres) == 0


def test_table_that_another_process_drops_or_extends_is_seen_as_it_is(lake):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    other = pickle.loads(pickle.dumps(lake))
    other.cursor().execute(f"DROP TABLE lake.{BARS}")
    assert LakeFrame(lake, BARS_DAILY).read().is_empty()
    assert replace(lake, BARS_DAILY, bars("B"), symbol_years("B")).added == 5
    other.cursor().execute(f"ALTER TABLE lake.{BARS} ADD COLUMN more INTEGER")
    other.close()
    assert lake.stored_columns(BARS)[-1] == "more"
    assert replace(lake, BARS_DAILY, bars("B", price=3.0), symbol_years("B")).changed == 5


def test_a_query_that_fails_leaves_nothing_behind_for_the_next_one(lake):
    with pytest.raises(duckdb.Error, match="nowhere"):
        lake.query("BEGIN; SELECT * FROM nowhere")
    assert lake.query("BEGIN; ROLLBACK; SELECT 1 AS one").item() == 1


def test_has_files_tells_a_table_with_rows_from_an_empty_and_from_a_missing_one(lake):
    assert not lake.has_files(BARS)
    lake.ensure_table(BARS_DAILY)
    assert not lake.has_files(BARS)
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    assert lake.has_files(BARS)


def test_written_partitions_among_some_keys_are_all_of_those(lake):
    for symbol in "ABC":
        replace(lake, BARS_DAILY, bars(symbol), symbol_years(symbol))
    assert lake.written_partitions(BARS) == {"2024|A", "2024|B", "2024|C"}
    assert lake.written_partitions(BARS, ["2024|B", "2024|X"]) & {"2024|B", "2024|X"} == {"2024|B"}


def test_written_partitions_are_those_of_now_whoever_wrote_them(lake):
    assert lake.written_partitions(BARS) == set()
    with closing(Lake(lake.postgres, lake.data_path)) as another:
        replace(another, BARS_DAILY, bars("A"), symbol_years("A"))
        assert lake.written_partitions(BARS) == another.written_partitions(BARS) == {"2024|A"}
    replace(lake, BARS_DAILY, bars("B"), symbol_years("B"))
    assert lake.written_partitions(BARS) == {"2024|A", "2024|B"}
    lake.cursor().execute("DELETE FROM lake.catalog.written_partitions WHERE partition_key = '2024|A'")
    assert lake.written_partitions(BARS) == {"2024|B"}


def test_script_opens_the_lake_read_only_in_any_duckdb_without_a_download(lake, tmp_path):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    import_extensions()
    script = tmp_path / "attach.sql"
    lake.write_attach_script(script)
    program = (
        "import duckdb, sys\n"
        "con = duckdb.connect(config={'custom_extension_repository': 'http://127.0.0.1:1'})\n"
        "con.execute(open(sys.argv[1]).read())\n"
        f"print(con.execute('SELECT count(*) FROM {BARS}').fetchone()[0])\n"
        "try:\n"
        f"    con.execute('DELETE FROM {BARS}')\n"
        "except duckdb.Error as error:\n"
        "    print('read-only' in str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5", "True"]
    assert list(tmp_path.glob("*.partial")) == []


def test_script_of_a_guarded_lake_says_where_to_give_the_password(tmp_path):
    Lake(NOWHERE, f"{tmp_path}/").write_attach_script(tmp_path / "attach.sql")
    text = (tmp_path / "attach.sql").read_text()
    assert "PGPASSWORD" in text
    assert SECRET not in text


def test_moved_files_are_found_by_their_new_folder(lake, tmp_path):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    Path(lake.data_path).rename(tmp_path / "it's moved")
    moved = Lake(lake.postgres, f"{tmp_path}/it's moved/")
    assert content(moved) == bars("A").rows()
    moved.close()


def test_failed_transaction_can_be_rolled_back_twice(lake):
    cursor = lake.cursor()
    cursor.execute("BEGIN")
    roll_back(cursor)
    roll_back(cursor)
    assert cursor.execute("SELECT 1").fetchone() == (1,)


def test_conflict_is_tried_again_and_other_errors_are_not(lake):
    met = []

    def work(cursor):
        met.append(cursor)
        if len(met) < 3:
            raise duckdb.TransactionException("Transaction conflict - attempting to insert")
        return "done"

    assert with_retries(lake, work) == "done"
    with pytest.raises(duckdb.CatalogException):
        with_retries(lake, lambda cursor: cursor.execute("FROM nowhere"))
    assert len(met) == 3


def test_conflicts_without_end_are_given_up_after_pauses_that_grow(lake, monkeypatch):
    pauses = []
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=pauses.append))

    def work(cursor):
        raise duckdb.TransactionException("Transaction conflict - attempting to insert")

    with pytest.raises(LakeError, match="gave up after 40 attempts because other writers"):
        with_retries(lake, work)
    assert len(pauses) == MAX_ATTEMPTS - 1
    assert max(pauses[:3]) < 0.2 < max(pauses) <= 1.0
    assert len(set(pauses)) > 30, "writers that met once would meet again"


def test_writers_of_other_tables_do_not_wait(lake):
    with lake.exclusively("market_data.symbols"):
        assert replace(lake, BARS_DAILY, bars("A"), symbol_years("A")).added == 5
    with lake.exclusively("a.b"), lake.exclusively("a.c"):
        pass


def test_writer_that_waits_in_vain_is_told_who_blocks_it(lake, monkeypatch):
    monkeypatch.setattr("trading_assets.lake.postgres.locks._TIMEOUT", "50ms")
    with lake.exclusively(BARS), pytest.raises(LakeError, match=rf"another process has been writing {BARS} for 50ms"):
        replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    with lake.exclusively(), pytest.raises(LakeError, match="another process has been writing"):
        replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    assert replace(lake, BARS_DAILY, bars("A"), symbol_years("A")).added == 5


def test_lake_is_read_and_queried_without_importing_pandas(lake):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    program = (
        "import pickle, sys\n"
        "from trading_assets.lake import LakeFrame\n"
        "from trading_assets.lake.store.sql import run_query\n"
        "from trading_assets.market_data.contract import BARS_DAILY\n"
        "lake = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "rows = LakeFrame(lake, BARS_DAILY).read(symbol='A')\n"
        "BARS_DAILY.split(rows)\n"
        f"found = run_query(lake, 'FROM {BARS}')\n"
        f"print(rows.height, found.height, len(lake.written_partitions('{BARS}')), 'pandas' in sys.modules)"
    )
    command = [sys.executable, "-c", program, pickle.dumps(lake).hex()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.split() == ["5", "5", "1", "False"]
