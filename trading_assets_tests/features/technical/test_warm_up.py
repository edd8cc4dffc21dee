"""Exponential averages forget: real names, with the declared look-back and with all the history there is."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.features.compute import compute
from trading_assets.features.technical.catalogue import SET
from trading_assets_tests.point_in_time.sample import SHARED_DATA, actions, real_bars, real_splits


def assert_same_to_a_billionth(bars, splits, **window):
    declared = compute([SET], bars, splits, **window, dtype=np.float64)["technical"]
    longer = compute([SET], bars, splits, **window, dtype=np.float64, history=10_000)["technical"]
    assert declared.select(pl.all().is_null()).equals(longer.select(pl.all().is_null()))
    assert declared.height > 1000
    for name in SET.features:
        a, b = (frame[name].drop_nulls().to_numpy() for frame in (declared, longer))
        scale = np.maximum(np.abs(a), np.median(np.abs(a)))
        assert np.max(np.abs(a - b) / scale) <= 1e-9, name


def test_longer_history_moves_nothing():
    window = {"start": date(2003, 1, 1), "end": date(2008, 12, 31)}
    assert_same_to_a_billionth(real_bars("AAPL", "MSFT", "IBM"), real_splits(), **window)


@pytest.mark.skipif(not SHARED_DATA.exists(), reason=f"the S&P 500 panel is not there: {SHARED_DATA}")
def test_longer_history_moves_nothing_for_a_broad_panel_of_names():
    panel = pl.read_parquet(SHARED_DATA / "us_daily_2013_2018.parquet").drop_nulls()
    some = panel["symbol"].unique().sort().gather_every(12).implode()
    clean = panel.filter(pl.col("symbol").is_in(some), pl.col("high") >= pl.col("low"))
    assert_same_to_a_billionth(clean, actions(), start=date(2017, 1, 1), end=date(2018, 12, 31))


@pytest.mark.parametrize("rows", [199, 399, 499, 999, 1999])
def test_so_much_history_gives_the_last_value_or_the_declared_look_back_is_longer(rows):
    name, day = real_bars("IBM"), {"start": date(2013, 1, 1), "end": date(2013, 12, 31), "dtype": np.float64}
    whole, some = (
        compute([SET], bars, actions(), **day, history=5_000)["technical"] for bars in (name, name.tail(rows + 1))
    )
    long_enough = [each.name for each in SET.features.values() if each.lookback <= rows]
    assert len(long_enough) >= 40
    scale = whole.select(pl.col(long_enough).abs().median()).row(0)
    for column, usual in zip(long_enough, scale, strict=True):
        a, b = some[column][-1], whole[column][-1]
        assert abs(a - b) <= 1e-9 * max(abs(b), usual), column
