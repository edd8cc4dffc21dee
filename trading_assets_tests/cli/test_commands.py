"""The command line: what it prints, where, and the exit code; an expected error is one message, never a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from trading_assets import cli
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets_tests.desks import Bench, multi_range, open_bench, own_environment

SOURCE = {"kind": "simulated", "n_symbols": 2, "start": "2015-01-02", "end": "2015-12-31", "listing_rate": 0.0}
BARS = "market_data.bars_daily"


@dataclass(frozen=True)
class Answer:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture(scope="module")
def lake(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Bars of two names in 2015, written name by name: each is a snapshot of its own."""
    folder = tmp_path_factory.mktemp("cli") / "lake"
    with open_bench(postgres, folder, SOURCE, date(2015, 1, 1), date(2016, 1, 1)) as bench:
        bench.settings.save()
        for symbol in bench.list_symbols():
            bench.run("refresh_panel", multi_range({"date": "2015", "symbol": symbol}), only=[BARS])
        yield bench


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Run ``trading-assets`` with arguments."""

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["trading-assets", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return Answer(int(ended.value.code or 0), printed.out, printed.err)

    with own_environment({"DATABASE_URL": ""}):
        yield run


@pytest.fixture
def ask(lake: Bench, command: Command) -> Command:
    """Run ``trading-assets`` on the lake."""
    os.environ["DATABASE_URL"] = str(lake.settings.database_url)
    return lambda *arguments: command(*arguments, "--home", lake.settings.home)


COUNT = f"SELECT symbol, count(*) AS bars FROM {BARS} GROUP BY symbol ORDER BY symbol"
ROWS = [{"symbol": "SIM0001", "bars": 252}, {"symbol": "SIM0002", "bars": 252}]


def snapshots(lake: Bench) -> tuple[int, int]:
    """Snapshots after the first and after the second name."""
    found = lake.desk.lake.query(
        "SELECT snapshot_id FROM lake.snapshots() "
        "WHERE commit_message = 'market_data.bars_daily from sources' ORDER BY ALL"
    )["snapshot_id"]
    return int(found[0]), int(found[1])


# --- sql ------------------------------------------------------------------------------------------------------------


def test_sql_shows_a_table(ask: Command) -> None:
    answer = ask("sql", COUNT)
    assert answer.code == 0
    assert re.search(r"SIM0002\s+\S\s+252", answer.out)
    assert answer.out.endswith("(2 rows)\n")


def test_sql_writes_csv_and_json_to_the_output(ask: Command, tmp_path: Path) -> None:
    assert ask("sql", COUNT, "--format", "csv").out == "symbol,bars\nSIM0001,252\nSIM0002,252\n"
    assert [json.loads(line) for line in ask("sql", COUNT, "--format", "json").out.splitlines()] == ROWS
    answer = ask("sql", COUNT, "--format", "csv", "--output", tmp_path / "bars.csv")
    assert (answer.code, answer.out) == (0, "")
    assert pl.read_csv(tmp_path / "bars.csv").to_dicts() == ROWS


def test_sql_writes_parquet_to_a_file(ask: Command, tmp_path: Path) -> None:
    answer = ask("sql", COUNT, "--format", "parquet", "--output", tmp_path / "bars.parquet")
    assert answer.out == f"2 rows written to {tmp_path / 'bars.parquet'}\n"
    assert pl.read_parquet(tmp_path / "bars.parquet").to_dicts() == ROWS


def test_sql_sees_the_lake_as_it_was(lake: Bench, ask: Command) -> None:
    one_name = "symbol,bars\nSIM0001,252\n"
    first, second = snapshots(lake)
    assert ask("sql", COUNT, "--format", "csv", "--at", first).out == one_name
    moment = lake.desk.lake.query(
        f"SELECT strftime(snapshot_time, '%Y-%m-%dT%H:%M:%S.%f+00:00') AS moment FROM lake.snapshots() "
        f"WHERE snapshot_id = {second - 1}"
    )["moment"][0]
    assert ask("sql", COUNT, "--format", "csv", "--at", moment).out == one_name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((f"DELETE FROM {BARS}",), "give exactly one query"),
        ((f"SELECT 1; DROP TABLE {BARS}",), "give exactly one query"),
        (("COPY (SELECT 1) TO '/tmp/x.csv'",), "give exactly one query"),
        (("SELECT * FROM read_csv('/etc/passwd')",), "refused: read_csv"),
        (("FROM '/etc/passwd'",), "refused: '/etc/passwd' is a file"),
        (("SELECT close FROM market_data.bars",), "the query failed.*bars"),
        (("SELECT 1", "--at", "yesterday"), "--at 'yesterday': give a snapshot id"),
        (("SELECT 1", "--at", "99999999"), "99999999"),
        (("SELECT 1", "--format", "xml"), "--format xml: choose one of table, csv, json, parquet"),
        (("SELECT 1", "--format", "parquet"), "add --output FILE.parquet"),
        (("SELECT 1", "--output", "/nowhere/at/all.csv"), "there is no folder /nowhere/at"),
    ],
)
def test_sql_refuses_with_a_message_and_an_exit_code(ask: Command, arguments: tuple[str, ...], message: str) -> None:
    answer = ask("sql", *arguments)
    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert re.search(message, answer.err)
    assert "Traceback" not in answer.err


# --- lake -----------------------------------------------------------------------------------------------------------


def test_snapshots_are_listed_newest_first(lake: Bench, ask: Command) -> None:
    shown = ask("lake", "snapshots", "--limit", "100").out
    assert all(header in shown for header in ("snapshot", "time", "changes", "run", "message"))
    listed = [int(number) for number in re.findall(r"^│ (\d+) ", shown, re.MULTILINE)]
    assert listed == sorted(listed, reverse=True)
    assert set(snapshots(lake)) <= set(listed)
    assert ask("lake", "snapshots", "--limit", "1").out.endswith("(1 rows)\n")


def test_diff_shows_what_changed_between_two_snapshots(lake: Bench, ask: Command) -> None:
    first, second = snapshots(lake)
    answer = ask("lake", "diff", first, second)
    assert re.search(rf"{BARS}\D+252\D+504\D+252\D+0", answer.out)
    unknown = ask("lake", "diff", first, 99_999)
    assert unknown.code == 1
    assert "snapshot 99999 does not exist" in unknown.err


def test_rollback_brings_rows_back_and_is_itself_undone_by_one(lake: Bench, ask: Command) -> None:
    first, newest = snapshots(lake)[0], lake.desk.lake.current_snapshot()
    assert BARS in ask("lake", "rollback", first).out
    assert ask("sql", COUNT, "--format", "csv").out == "symbol,bars\nSIM0001,252\n"
    assert ask("lake", "rollback", newest).code == 0
    assert [json.loads(line) for line in ask("sql", COUNT, "--format", "json").out.splitlines()] == ROWS


def test_maintain_says_what_it_did_and_keeps_the_rows(lake: Bench, ask: Command) -> None:
    before = lake.hashes(BARS)
    answer = ask("lake", "maintain", "--retention-days", "30")
    assert answer.code == 0
    assert {"files_before", "files_after", "snapshots_expired"} <= {line.split()[0] for line in answer.out.splitlines()}
    assert lake.hashes(BARS) == before
    assert ask("lake", "maintain", "--retention-days", "-1").code == 2


def test_a_database_that_does_not_answer_is_a_message_without_its_password(command: Command, tmp_path: Path) -> None:
    os.environ["DATABASE_URL"] = "postgresql://desk:hunter2@127.0.0.1:9/nothing"
    answer = command("sql", "SELECT 1", "--home", tmp_path)
    assert answer.code == 1
    assert "cannot open the lake's Postgres" in answer.err
    assert "hunter2" not in answer.err


# --- stop -----------------------------------------------------------------------------------------------------------


def test_stop_ends_the_server_that_a_killed_process_left_behind(command: Command, tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal\n"
        "from trading_assets.lake.postgres.url import hold_embedded_postgres\n"
        f"hold_embedded_postgres(pathlib.Path({str(tmp_path / 'postgres')!r}))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program], check=False, cwd=Path(__file__).parents[1])
    assert killed.returncode == -signal.SIGKILL
    assert command("stop", "--home", tmp_path).out == "stopped\n"
    assert command("stop", "--home", tmp_path).out == "nothing was running\n"


# --- settings and sources -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--source", "bloomberg"), "setting source.kind is 'bloomberg'; it must be one of"),
        (("--source", "files"), "--source files needs --path FILE"),
        (("--source", "files", "--path", "/nowhere/[a-z]*.csv"), r"/nowhere/\[a-z\]\*.csv does not exist"),
        (("--source", "files", "--path", "bars.csv", "--column", "close"), "--column close: write standard=theirs"),
        (("--source", "simulated", "--symbols", "0"), "setting source.simulated.n_symbols"),
    ],
)
def test_a_demo_that_cannot_start_says_why(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    answer = command("demo", *arguments, "--home", tmp_path)
    assert answer.code == 1
    assert answer.err.startswith("error: ")
    assert re.search(message, answer.err)
    assert not (tmp_path / "settings.yaml").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sorce: {kind: sample}", "unknown key sorce (did you mean 'source'?); allowed are"),
        ("start: last year", "start is 'last year'; allowed: a date such as 2013-02-08"),
        ("source: sample", "source is 'sample'; allowed: a mapping such as {kind: sample}"),
        ("retention_days: many", "retention_days is 'many'; allowed: a whole number at least 0"),
        ("start: 2015-01-01\nend: 2014-01-01", "end 2014-01-01 must be after start 2015-01-01"),
        ("- a list", "must hold a mapping, one `name: value` per line"),
        ("start: [2015", "is not readable as YAML"),
    ],
)
def test_a_settings_file_that_cannot_be_used_names_file_and_setting(
    command: Command, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "settings.yaml").write_text(text)
    answer = command("lake", "snapshots", "--home", tmp_path)
    assert answer.code == 1
    assert message in answer.err
    assert str(tmp_path / "settings.yaml") in answer.err
    assert not (tmp_path / "postgres").exists()


def test_an_unknown_exchange_is_a_message(lake: Bench, command: Command, tmp_path: Path) -> None:
    os.environ["DATABASE_URL"] = str(lake.settings.database_url)
    (tmp_path / "settings.yaml").write_text("exchange: XNYX\nsource: {kind: simulated, n_symbols: 2}\n")
    answer = command("demo", "--source", "simulated", "--symbols", "2", "--home", tmp_path)
    assert answer.code == 1
    assert answer.err.startswith("error: ")


def test_every_command_has_help(command: Command) -> None:
    for arguments in ((), ("demo",), ("sql",), ("ui",), ("stop",), ("lake",), ("lake", "maintain")):
        answer = command(*arguments, "--help")
        assert answer.code == 0
        assert "Usage" in answer.out
