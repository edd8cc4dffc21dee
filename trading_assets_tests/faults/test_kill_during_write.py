"""``kill -9`` in the middle of a write: the lake holds the old rows or the new ones, whole, and goes on."""

import random
import time

import polars as pl
import pytest

from trading_assets.lake import LakeFrame
from trading_assets.lake.store.hashing import content_hash
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets_tests.lake.examples import BARS, bars, symbol_years
from trading_assets_tests.processes import context

KILLS = 20
SCOPE = symbol_years("A", "B", until=2026)


def state(price, *, days, broken):
    """Rows of two symbols and two years; the last ``broken`` days of one partition break the contract."""
    parts = [bars(symbol, year=year, days=days, price=price) for symbol in "AB" for year in (2024, 2025)]
    worst = bars("B", year=2025, days=days + broken, price=price).tail(broken).with_columns(close=pl.lit(-1.0))
    return pl.concat([*parts, worst])


STATES = {"old": state(10.0, days=60, broken=3), "new": state(12.0, days=70, broken=7)}
ROWS = {name: BARS_DAILY.split(frame).good.height for name, frame in STATES.items()}
QUARANTINED = {"old": 3, "new": 7}


def write(lake, name, about_to_write):
    lake.cursor().close()
    BARS_DAILY.split(STATES[name])
    about_to_write.set()
    replace(lake, BARS_DAILY, STATES[name], SCOPE)


def kill_a_write(lake, name, after_seconds):
    """Kill a process that writes a state, so long after it has begun; None lets it end. The seconds it took."""
    about_to_write = context.Event()
    child = context.Process(target=write, args=(lake, name, about_to_write))
    child.start()
    assert about_to_write.wait(60)
    began = time.perf_counter()
    child.join(after_seconds)
    child.kill()
    child.join()
    return time.perf_counter() - began


def stored_state(lake):
    """Name of the state that the lake holds; an error if the rows are of none, or the quarantine is of another."""
    stored = LakeFrame(lake, BARS_DAILY).read()
    assert not stored.select(BARS_DAILY.key).is_duplicated().any()
    name = {hash_of(BARS_DAILY.split(frame).good): name for name, frame in STATES.items()}[hash_of(stored)]
    assert lake.query(f"SELECT count(*) FROM lake.{BARS_DAILY.quarantine_table}").item() == QUARANTINED[name]
    assert lake.written_partitions(BARS) == set(SCOPE.partition_keys)
    return name


def hash_of(frame):
    return content_hash(frame, key=BARS_DAILY.key)


@pytest.mark.slow
def test_killed_write_leaves_the_old_or_the_new_rows(lake):
    replace(lake, BARS_DAILY, STATES["old"], SCOPE)
    duration = kill_a_write(lake, "new", None)
    assert stored_state(lake) == "new"
    chance, interrupted, current = random.Random(20240102), 0, "new"
    for _ in range(KILLS):
        wanted = "old" if current == "new" else "new"
        kill_a_write(lake, wanted, chance.uniform(0.0, duration))
        found = stored_state(lake)
        interrupted += found == current
        assert replace(lake, BARS_DAILY, STATES[wanted], SCOPE).is_unchanged == (found == wanted)
        current = stored_state(lake)
        assert current == wanted
    assert interrupted, "no write was interrupted: the delays are too long"


@pytest.mark.slow
def test_killed_first_write_leaves_no_rows_or_all_and_the_registry_agrees(lake):
    lake.ensure_table(BARS_DAILY)
    chance = random.Random(7)
    for _ in range(6):
        kill_a_write(lake, "new", chance.uniform(0.0, 0.3))
        if LakeFrame(lake, BARS_DAILY).read().is_empty():
            assert lake.written_partitions(BARS) == set()
            assert lake.query(f"FROM lake.{BARS_DAILY.quarantine_table}").is_empty()
        else:
            assert stored_state(lake) == "new"
            replace(lake, BARS_DAILY, BARS_DAILY.empty(), SCOPE)
            lake.cursor().execute("DELETE FROM lake.catalog.written_partitions")
    assert replace(lake, BARS_DAILY, STATES["new"], SCOPE).added == ROWS["new"]
    assert stored_state(lake) == "new"
