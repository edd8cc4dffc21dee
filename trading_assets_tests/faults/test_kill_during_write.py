"""``kill -9`` in the middle of a write: the lake holds the old rows or the new ones, whole, and goes on."""

import random
import time

import polars as pl
import pytest

from trading_assets.lake import LakeFrame
from trading_assets.lake.hashing import content_hash
from trading_assets.lake.writes import replace
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets_tests.lake.examples import BARS, bars, symbol_years
from trading_assets_tests.processes import context

KILLS = 24
SCOPE = symbol_years("A", "B", until=2026)


def state(price, *, days, broken):
    """Rows of two symbols and two years; the last ``broken`` days of one partition break the contract."""
    parts = [bars(symbol, year=year, days=days, price=price) for symbol in "AB" for year in (2024, 2025)]
    worst = bars("B", year=2025, days=days + broken, price=price).tail(broken).with_columns(close=pl.lit(-1.0))
    return pl.concat([*parts, worst])


OLD, NEW = state(10.0, days=200, broken=3), state(12.0, days=230, broken=7)


def write_new(lake, about_to_write):
    lake.cursor().close()
    BARS_DAILY.split(NEW)
    about_to_write.set()
    replace(lake, BARS_DAILY, NEW, SCOPE)


def seconds_of_a_write(lake):
    """How long the child writes, from its signal to its end."""
    about_to_write = context.Event()
    child = context.Process(target=write_new, args=(lake, about_to_write))
    child.start()
    assert about_to_write.wait(60)
    began = time.perf_counter()
    child.join()
    assert child.exitcode == 0
    return time.perf_counter() - began


def kill_a_write(lake, after_seconds):
    about_to_write = context.Event()
    child = context.Process(target=write_new, args=(lake, about_to_write))
    child.start()
    assert about_to_write.wait(60)
    time.sleep(after_seconds)
    child.kill()
    child.join()


def hash_of(frame):
    return content_hash(frame, key=BARS_DAILY.key)


@pytest.mark.slow
def test_killed_write_leaves_the_old_or_the_new_rows(lake):
    expected = {hash_of(BARS_DAILY.split(frame).good): broken for frame, broken in ((OLD, 3), (NEW, 7))}
    old, new = expected
    replace(lake, BARS_DAILY, OLD, SCOPE)
    duration = seconds_of_a_write(lake)
    assert replace(lake, BARS_DAILY, OLD, SCOPE).content_hash == old
    chance, outcomes = random.Random(20240102), []
    for _ in range(KILLS):
        kill_a_write(lake, chance.uniform(0.0, duration))
        stored = LakeFrame(lake, BARS_DAILY).read()
        assert not stored.select(BARS_DAILY.key).is_duplicated().any()
        outcomes.append(hash_of(stored))
        assert outcomes[-1] in expected
        quarantined = lake.query(f"SELECT count(*) FROM lake.{BARS_DAILY.quarantine_table}").item()
        assert quarantined == expected[outcomes[-1]]
        assert lake.written_partitions(BARS) == set(SCOPE.partition_keys)
        assert replace(lake, BARS_DAILY, NEW, SCOPE).is_unchanged == (outcomes[-1] == new)
        assert hash_of(LakeFrame(lake, BARS_DAILY).read()) == new
        assert replace(lake, BARS_DAILY, OLD, SCOPE).content_hash == old
    assert old in outcomes, "no write was interrupted: the delays are too long"


@pytest.mark.slow
def test_killed_first_write_leaves_no_rows_or_all_and_the_registry_agrees(lake):
    lake.ensure_table(BARS_DAILY)
    empty = lake.current_snapshot()
    chance = random.Random(7)
    for _ in range(6):
        kill_a_write(lake, chance.uniform(0.0, 0.3))
        rows = LakeFrame(lake, BARS_DAILY).read().height
        assert rows in (0, 4 * 230)
        assert lake.written_partitions(BARS) == (set(SCOPE.partition_keys) if rows else set())
        if rows:
            replace(lake, BARS_DAILY, BARS_DAILY.empty(), SCOPE)
            lake.cursor().execute("DELETE FROM lake.catalog.written_partitions")
    replace(lake, BARS_DAILY, NEW, SCOPE)
    assert LakeFrame(lake, BARS_DAILY).read().height == 4 * 230
    assert lake.current_snapshot() > empty
