import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from trading_assets.lake.errors import LakeError
from trading_assets.lake.store.history import diff, snapshots
from trading_assets.lake.store.maintenance import maintain
from trading_assets.lake.store.sql import run_query
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets_tests.lake.examples import BARS, bars, content, symbol_years

LONG = timedelta(days=90)


@pytest.fixture
def busy(lake):
    """A lake of many small files."""
    for number, symbol in enumerate("ABC"):
        replace(lake, BARS_DAILY, bars(symbol), symbol_years(symbol))
        replace(lake, BARS_DAILY, bars(symbol, price=3.0 + number), symbol_years(symbol))
    return lake


def files_of(lake):
    return {str(path) for path in Path(lake.data_path).rglob("*.parquet")}


def test_small_files_are_merged_and_the_content_stays(busy):
    before, snapshot = content(busy), busy.table_snapshot(BARS)
    report = maintain(busy, now=datetime.now(UTC), retention=LONG)
    assert report.files_after < report.files_before
    assert report.snapshots_expired == report.files_removed == 0
    assert content(busy) == before
    assert busy.table_snapshot(BARS) == snapshot
    assert report.as_dict()["files_after"] == report.files_after


def test_snapshots_within_the_retention_stay_readable(busy):
    first = next(i for i in range(99) if (3.0,) in prices(busy, i))
    maintain(busy, now=datetime.now(UTC), retention=LONG)
    assert prices(busy, first) == [(3.0,)]
    assert diff(busy, first, busy.current_snapshot())["added"].max() == 10


def prices(lake, at):
    try:
        return run_query(lake, f"SELECT DISTINCT close FROM {BARS}", at=at).rows()
    except LakeError:
        return []


def test_older_snapshots_are_forgotten_and_their_files_removed(busy):
    before, files = content(busy), files_of(busy)
    latest = busy.current_snapshot()
    much_later = datetime.now(UTC) + timedelta(days=100)
    maintain(busy, now=much_later, retention=LONG)
    report = maintain(busy, now=much_later + timedelta(days=100), retention=LONG)
    assert snapshots(busy)["snapshot"].min() >= latest
    assert content(busy) == before
    assert len(files_of(busy)) < len(files)
    assert report.files_after == report.files_before
    with pytest.raises(LakeError, match=r"snapshot 5 does not exist \(expired, or never created\)"):
        diff(busy, 5, latest)


def test_file_of_an_unfinished_write_is_left_alone_however_short_the_retention(busy):
    unfinished = Path(busy.data_path) / "market_data" / "bars_daily" / "unfinished.parquet"
    bars("Z").write_parquet(unfinished)
    maintain(busy, now=datetime.now(UTC), retention=timedelta(0))
    assert unfinished.exists()
    maintain(busy, now=datetime.now(UTC) + timedelta(days=2), retention=timedelta(0))
    assert not unfinished.exists()


def test_writes_go_on_as_before_after_maintenance(busy):
    maintain(busy, now=datetime.now(UTC), retention=LONG)
    assert replace(busy, BARS_DAILY, bars("A", price=3.0), symbol_years("A")).is_unchanged
    assert replace(busy, BARS_DAILY, bars("A", days=6, price=3.0), symbol_years("A")).added == 1
    assert len(content(busy)) == 16


def test_the_folder_that_a_reader_left_who_tried_to_create_a_table_is_removed_once_it_is_old(busy):
    with closing(busy.attach(read_only=True)) as reader, pytest.raises(duckdb.Error, match="CREATE"):
        reader.execute("CREATE TABLE lake.market_data.tried AS SELECT 1 AS one")
    folder, now = Path(busy.data_path) / "market_data" / "tried", datetime.now(UTC)
    maintain(busy, now=now, retention=LONG)
    assert folder.is_dir()
    long_ago = (now - timedelta(days=2)).timestamp()
    os.utime(folder, (long_ago, long_ago))
    before = content(busy)
    maintain(busy, now=now, retention=LONG)
    assert not folder.exists()
    assert content(busy) == before
