import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from trading_assets.lake.errors import LakeError, SqlRefusedError
from trading_assets.lake.store.sql import QueryError, _locked, _run, parse_at, render, run_query
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets_tests.lake.examples import BARS, bars, content, symbol_years


@pytest.fixture(scope="module")
def filled(module_lake):
    replace(module_lake, BARS_DAILY, bars("A"), symbol_years("A"))
    return module_lake


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12", 12),
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31T16:00", datetime(2024, 1, 31, 16, tzinfo=UTC)),
        ("2024-01-31 16:00:00.25+02:00", datetime(2024, 1, 31, 14, 0, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_snapshot_or_time_is_read(text, moment):
    assert parse_at(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "-1", "1.5", "9" * 30])
def test_other_texts_are_refused_with_examples(text):
    with pytest.raises(SqlRefusedError, match=r"give a snapshot id .* or a time such as"):
        parse_at(text)


@pytest.fixture(scope="module")
def locked(filled):
    """The one connection that a query runs on, for tests of many queries."""
    connection = _locked(filled, None)
    yield connection
    connection.close()


def test_queries_of_every_form_run(filled, locked):
    for statement, rows in {
        f"SELECT symbol, count(*) FROM {BARS} GROUP BY ALL": 1,
        f"FROM {BARS}": 5,
        f"WITH a AS (FROM {BARS} LIMIT 2) SELECT * FROM a JOIN a AS b USING (symbol)": 4,
        f"DESCRIBE {BARS}": 10,
        f"SUMMARIZE {BARS}": 10,
        "SHOW TABLES": 1,
        " show  tables ; ": 1,
        "SHOW ALL TABLES": 3,
        f"EXPLAIN SELECT * FROM {BARS}": 1,
        f"EXPLAIN ANALYZE FROM {BARS}": 1,
        "VALUES (1), (2)": 2,
        "FROM range(3)": 3,
        "-- a remark; with a semicolon\nSELECT ';' AS text;": 1,
        "FROM lake.snapshots()": filled.current_snapshot() + 1,
        f"FROM {BARS} AT (VERSION => {filled.current_snapshot()})": 5,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'market_data'": 1,
    }.items():
        assert _run(locked, statement).height == rows, statement


def test_show_tables_lists_the_tables_by_the_names_that_queries_use_with_their_rows(filled):
    listed = run_query(filled, "SHOW TABLES")
    assert listed.columns == ["name", "rows", "meaning"]
    assert listed.select("name", "rows").rows() == [(BARS, 5)]
    assert listed["meaning"][0]


def test_text_that_mentions_a_forbidden_name_is_just_text(filled):
    found = run_query(filled, "SELECT 'postgres_scan(''x'')' AS a, '__ducklake_metadata' AS read_csv")
    assert found.rows() == [("postgres_scan('x')", "__ducklake_metadata")]


def test_lake_that_was_never_written_answers(lake):
    assert run_query(lake, "SHOW ALL TABLES")["name"].to_list() == ["written_partitions"]


def test_sums_and_counts_are_numbers(filled):
    found = run_query(filled, f"SELECT sum(volume) AS volume, avg(close) AS close, max(date) AS date FROM {BARS}")
    assert json.loads(render(found, "json")) == {"volume": 500, "close": 10.0, "date": "2024-01-05"}


FILES = [
    "SELECT * FROM '{data}x.parquet'",
    "FROM read_parquet('{data}**/*.parquet')",
    "DESCRIBE '{data}x.parquet'",
    "SUMMARIZE (FROM parquet_scan('{data}**'))",
    "SELECT (SELECT max(a) FROM read_csv('/etc/passwd') AS t(a))",
    "FROM \"READ_TEXT\"('/etc/passwd')",
    "FROM read_blob('/etc/passwd')",
    "FROM '/etc/passwd'",
    "FROM glob('{data}*')",
    "FROM sniff_csv('/etc/passwd')",
    "WITH a AS (FROM read_json('/x.json')) FROM a",
    "FROM query('FROM read_' || 'text(''/etc/passwd'')')",
    "FROM query_table('{data}x.parquet')",
    "FROM parquet_metadata('{data}x.parquet')",
    "EXPLAIN ANALYZE FROM read_text('/etc/passwd')",
]
DATABASES = [
    "FROM postgres_query('__ducklake_metadata_lake', 'SELECT 1')",
    "FROM postgres_scan('host=/tmp', 'lake', 'ducklake_table')",
    "FROM postgres_execute('__ducklake_metadata_lake', 'DROP SCHEMA lake CASCADE')",
    "FROM __ducklake_metadata_lake.lake.ducklake_table",
    'SELECT * FROM "__DuckLake_metadata_lake"."lake".ducklake_table',
    "DESCRIBE __ducklake_metadata_lake.lake.ducklake_table",
    "SELECT * FROM (SELECT 1) WHERE EXISTS (FROM __ducklake_metadata_lake.lake.ducklake_table)",
    "FROM ducklake_expire_snapshots('lake', older_than => now())",
    "FROM ducklake_list_files('lake', 'bars_daily', schema => 'market_data')",
    "FROM duckdb_secrets(redact = false)",
    "FROM duckdb_settings()",
    "ATTACH '{data}x.db'",
    "DETACH lake",
    "USE memory",
]
COMMANDS = [
    "COPY (SELECT 1) TO '{data}x.parquet'",
    f"COPY {BARS} TO '/tmp/x.csv'",
    "EXPORT DATABASE '{data}x'",
    "EXPLAIN COPY (SELECT 1) TO '{data}x.parquet'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 1",
    "RESET threads",
    "PRAGMA threads = 1",
    "CALL lake.set_option('x', 1)",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE MACRO x() AS 1",
    f"INSERT INTO {BARS} FROM {BARS}",
    f"DELETE FROM {BARS}",
    f"UPDATE {BARS} SET close = 1",
    f"DROP TABLE {BARS}",
    f"EXPLAIN DELETE FROM {BARS}",
    "PREPARE x AS SELECT 1",
    "BEGIN",
    "CHECKPOINT",
    "SELECT 1; SELECT 2",
    f"SELECT 1; DELETE FROM {BARS}",
    "",
    " ; ",
    "-- nothing",
]


def test_whatever_is_not_a_query_of_the_lake_is_refused(filled, locked):
    before = filled.current_snapshot()
    folder = Path(filled.data_path)
    bars("A").write_parquet(folder / "x.parquet")
    files = sorted(folder.rglob("*"))
    for statement in (FILES[0], DATABASES[0], COMMANDS[0]):
        with pytest.raises(SqlRefusedError):
            run_query(filled, statement.replace("{data}", filled.data_path))
    for statement in FILES + DATABASES + COMMANDS:
        with pytest.raises(SqlRefusedError) as error:
            _run(locked, statement.replace("{data}", filled.data_path))
        assert "refused: " in str(error.value) or "give exactly one query" in str(error.value), statement
        assert error.value.__suppress_context__ or error.value.__context__ is None
    assert filled.current_snapshot() == before
    assert content(filled) == bars("A").rows()
    assert sorted(folder.rglob("*")) == files


def test_variables_of_the_process_are_not_tables(filled):
    secrets = pl.DataFrame({"key": ["x"]})
    with pytest.raises(QueryError, match="secrets"):
        run_query(filled, "FROM secrets")
    assert secrets.height == 1


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("FROM market_data.bars_weekly", "bars_weekly does not exist"),
        (f"SELECT adjusted FROM {BARS}", 'Referenced column "adjusted" not found'),
        ("SELECT 'x'::INTEGER", "Could not convert string"),
        ("SELECT $1", "parameters"),
        ("SELECT INTERVAL 1 DAY AS span", "cast it to VARCHAR"),
    ],
)
def test_query_that_fails_says_why(locked, statement, reason):
    with pytest.raises(QueryError, match=reason) as error:
        _run(locked, statement)
    assert isinstance(error.value, LakeError)
    assert error.value.__suppress_context__


def test_lake_as_of_a_snapshot_and_as_of_a_time(lake):
    first = replace(lake, BARS_DAILY, bars("A", days=2), symbol_years("A")).snapshot
    moment = lake.query(f"SELECT snapshot_time FROM lake.snapshots() WHERE snapshot_id = {first}").item()
    replace(lake, BARS_DAILY, bars("A", price=3.0), symbol_years("A"))
    wanted = bars("A", days=2).rows()
    assert run_query(lake, f"FROM {BARS} ORDER BY date", at=first).rows() == wanted
    assert run_query(lake, f"FROM {BARS} ORDER BY date", at=moment).rows() == wanted
    assert run_query(lake, f"FROM {BARS} ORDER BY date", at=parse_at(moment.isoformat())).rows() == wanted
    assert run_query(lake, f"FROM {BARS}", at=datetime.now(UTC)).height == 5


@pytest.mark.parametrize("at", [999_999, datetime(2000, 1, 1, tzinfo=UTC)])
def test_snapshot_that_does_not_exist_is_named(filled, at):
    with pytest.raises(LakeError, match="No snapshot found at"):
        run_query(filled, "SELECT 1", at=at)


def test_rows_are_rendered_in_every_format(tmp_path):
    frame = pl.DataFrame({"symbol": ["A", None], "list": [[1, 2], None]})
    assert "A" in render(frame, "table")
    assert render(frame, "table").endswith("(2 rows)\n")
    assert render(frame, "csv") == 'symbol,list\nA,"[1,2]"\n,\n'
    assert [json.loads(line) for line in render(frame, "json").splitlines()] == frame.to_dicts()
    assert render(frame, "parquet", tmp_path / "x.parquet").startswith("2 rows written")
    assert pl.read_parquet(tmp_path / "x.parquet").equals(frame)


@pytest.mark.parametrize(("style", "reason"), [("parquet", "--output"), ("xml", "unknown format 'xml'")])
def test_format_that_cannot_be_rendered_says_why(style, reason):
    with pytest.raises(SqlRefusedError, match=reason):
        render(pl.DataFrame(), style)
