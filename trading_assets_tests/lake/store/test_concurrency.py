"""Writers and readers in processes and threads of their own, at the same time, on the same lake."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from trading_assets.lake import Lake, LakeFrame
from trading_assets.lake.store.maintenance import maintain
from trading_assets.lake.store.retries import with_retries
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets_tests.lake.examples import BARS, DAYS, bars, content, symbol_years
from trading_assets_tests.processes import Together, context

DAYS_WRITTEN = 20
SHARED = "SHARED"


def write(lake, number, start, stop):
    """Write one's own symbol and the shared one, each time with another price; return the last price."""
    start.wait()
    price, written = 0.0, 0
    while not stop.is_set() or written < 2:
        written += 1
        price = number + 10.0 * (written + 1)
        for symbol in (f"W{number}", SHARED):
            replace(lake, BARS_DAILY, bars(symbol, days=DAYS_WRITTEN, price=price), symbol_years(symbol))
    return f"W{number}", price


def read(lake, start, stop):
    """Read the shared symbol over and over; return whatever was not one whole version of it."""
    start.wait()
    strange, reads, frame = [], 0, LakeFrame(lake, BARS_DAILY)
    while not stop.is_set() or not reads:
        found = frame.read(["close"], symbol=SHARED)
        if found.height and (found.height != DAYS_WRITTEN or found["close"].n_unique() != 1):
            strange.append(found["close"].to_list())
        reads += 1
    return "", strange


def write_empty(lake, contract_table, start):
    """Write to a lake that may have no catalog yet."""
    contract = {BARS: BARS_DAILY, DAYS.table: DAYS}[contract_table]
    start.wait()
    return replace(lake, contract, contract.empty(), symbol_years("A")).rows


@pytest.mark.slow
def test_writers_and_readers_at_the_same_time_lose_and_mix_nothing(lake):
    start, stop, together = context.Barrier(7), context.Event(), Together()
    for number in range(4):
        together.start(write, lake, number, start, stop)
    for _ in range(2):
        together.start(read, lake, start, stop)
    start.wait()
    time.sleep(5)
    stop.set()
    found = together.answers()
    last = dict(answer for answer in found if answer[0])
    assert [strange for name, strange in found if not name] == [[], []]
    stored = lake.query(f"SELECT symbol, close, count(*) AS rows FROM lake.{BARS} GROUP BY ALL ORDER BY ALL").rows()
    own = [(name, price, DAYS_WRITTEN) for name, price in sorted(last.items())]
    assert [row for row in stored if row[0] != SHARED] == own
    (shared,) = [row for row in stored if row[0] == SHARED]
    assert shared[2] == DAYS_WRITTEN
    assert shared[1] in last.values()
    written = lake.query("SELECT partition_key FROM lake.catalog.written_partitions")["partition_key"].to_list()
    assert sorted(written) == sorted(f"2024|{name}" for name in [*last, SHARED])


@pytest.mark.slow
def test_processes_that_open_a_new_lake_at_the_same_moment_all_succeed(database, tmp_path):
    url = database()
    url.ensure_schemas()
    lake = Lake(url, f"{tmp_path}/")
    start, together = context.Barrier(4), Together()
    for table in (BARS, DAYS.table, BARS, DAYS.table):
        together.start(write_empty, lake, table, start)
    assert together.answers() == [0] * 4
    assert lake.query("SELECT count(*) FROM lake.catalog.written_partitions").item() == 2
    lake.close()


def test_threads_of_one_process_write_the_same_partition_one_after_the_other(lake):
    with ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(lambda price: replace(lake, BARS_DAILY, bars("A", price=price), symbol_years("A")), range(3, 9))
        )
    assert sum(result.added for result in results) == 5
    assert len(content(lake)) == 5
    assert lake.query(f"SELECT count(DISTINCT close) FROM lake.{BARS}").item() == 1


def test_maintenance_beside_writers_changes_no_content(lake):
    def write_some(symbol):
        for price in range(3, 8):
            replace(lake, BARS_DAILY, bars(symbol, price=price), symbol_years(symbol))

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write_some, symbol) for symbol in "AB"]
        for _ in range(3):
            maintain(lake, now=datetime.now(UTC), retention=timedelta(days=1))
        for writer in writers:
            writer.result()
    assert lake.query(f"SELECT symbol, close, count(*) FROM lake.{BARS} GROUP BY ALL ORDER BY 1").rows() == [
        ("A", 7.0, 5),
        ("B", 7.0, 5),
    ]


def test_threads_of_one_process_write_one_after_the_other_whatever_the_tables(lake):
    """DuckLake loses tables and schemas where two transactions of one DuckDB commit at once."""

    def write(cursor):
        return cursor.execute("SELECT 1").fetchone()

    def write_meanwhile(cursor):
        other = pool.submit(with_retries, lake, write)
        with pytest.raises(TimeoutError):
            other.result(timeout=2)
        return other

    with ThreadPoolExecutor(1) as pool:
        assert with_retries(lake, write_meanwhile).result(timeout=60) == (1,)
