"""The indicators that TA-Lib does not have, against plain numpy over a name's whole life."""

# ruff: noqa: E741 - the letters of the field: open, high, low, close and volume

from datetime import date

import numpy as np
import pytest

from trading_assets.features.compute import compute
from trading_assets.features.technical.catalogue import SET
from trading_assets.point_in_time.adjustment import forward_adjust
from trading_assets_tests.features.extremes import OHLCV, ago, assert_to_a_billionth, ema, last
from trading_assets_tests.features.technical.test_talib import DIRECT
from trading_assets_tests.point_in_time.sample import real_bars, real_splits

REST = [name for name in SET.features if name not in DIRECT]


@pytest.fixture(scope="module")
def computed():
    window = {"start": date(2000, 1, 1), "end": date(2013, 12, 31)}
    return compute([SET], real_bars("MSFT"), real_splits(), **window, dtype=np.float64)["technical"]


@pytest.fixture(scope="module")
def expected():
    adjusted = forward_adjust(real_bars("MSFT"), real_splits())
    bars = {letter: adjusted[name].to_numpy() for letter, name in zip("ohlcv", OHLCV, strict=True)}
    return {**trend(**bars), **momentum(**bars), **volatility(**bars), **volume(**bars)}


def true_ranges(h, l, c):
    return np.max([h - l, np.abs(h - ago(c, 1)), np.abs(l - ago(c, 1))], axis=0)


def trend(o, h, l, c, v):
    del o, v
    middle = {n: (last(h, n).max(axis=1) + last(l, n).min(axis=1)) / 2 for n in (9, 26, 52)}
    ranges = last(true_ranges(h, l, c), 14).sum(axis=1)
    up, down = np.abs(h - ago(l, 1)), np.abs(l - ago(h, 1))
    top, bottom = last(np.maximum(h, ago(c, 1)), 14).max(axis=1), last(np.minimum(l, ago(c, 1)), 14).min(axis=1)
    return {
        "ichimoku_conversion_9": c / middle[9] - 1,
        "ichimoku_base_26": c / middle[26] - 1,
        "ichimoku_span_52_26": c / ago(middle[52], 26) - 1,
        "vortex_14": last(up, 14).sum(axis=1) / ranges - last(down, 14).sum(axis=1) / ranges,
        "choppiness_14": 100 * np.log10(ranges / (top - bottom)) / np.log10(14),
        "efficiency_ratio_10": np.abs(c - ago(c, 10)) / last(np.abs(c - ago(c, 1)), 10).sum(axis=1),
    }


def momentum(o, h, l, c, v):
    del v
    change = c - ago(c, 1)
    gains, losses = (last(np.maximum(side, 0), 63).sum(axis=1) for side in (change, -change))
    ups, downs = (last(np.maximum(side, 0), 14).sum(axis=1) for side in (c - o, o - c))
    return {
        "cutler_rsi_63": 100 - 100 / (1 + gains / losses),
        "intraday_momentum_14": 100 * ups / (ups + downs),
        "tsi_25_13": 100 * ema(ema(change, 25), 13) / ema(ema(np.abs(change), 25), 13),
        "bull_power_13": (h - ema(c, 13)) / c,
        "bear_power_13": (l - ema(c, 13)) / c,
    }


def volatility(o, h, l, c, v):
    del o, v
    ranges, middle = true_ranges(h, l, c), last(c, 20).mean(axis=1)
    upper, lower = (middle + side * 2 * last(ranges, 20).mean(axis=1) for side in (1, -1))
    single = ema(h - l, 9)
    donchian = {n: (last(l, n).min(axis=1), last(h, n).max(axis=1)) for n in (20, 55)}
    return {
        "true_range_ratio_14": ranges / last(ranges, 14).mean(axis=1),
        "keltner_position_20": (c - lower) / (upper - lower),
        **{f"donchian_position_{n}": (c - low) / (high - low) for n, (low, high) in donchian.items()},
        "squeeze_20": 4 * last(c, 20).std(axis=1) / (3 * last(ranges, 20).mean(axis=1)),
        "mass_index_9_25": last(single / ema(single, 9), 25).sum(axis=1),
    }


def volume(o, h, l, c, v):
    del o
    month, change = last(v, 21).sum(axis=1), c - ago(c, 1)
    impact = np.abs(np.log(c / ago(c, 1))) / (c * v)
    spread, box = np.where(h == l, 1.0, h - l), (h - l) / c
    middle = (h + l) / 2
    return {
        "volume_ratio_21": v / (month / 21),
        **{f"volume_z_{n}": (v - last(v, n).mean(axis=1)) / last(v, n).std(axis=1, ddof=1) for n in (21, 63)},
        "volume_oscillator_12_26": 100 * (ema(v, 12) / ema(v, 26) - 1),
        "amihud_ratio_21_252": last(impact, 21).mean(axis=1) / last(impact, 252).mean(axis=1),
        "chaikin_money_flow_21": last(((c - l) - (h - c)) / spread * v, 21).sum(axis=1) / month,
        "volume_price_trend_21": last(change / ago(c, 1) * v, 21).sum(axis=1) / month,
        "force_index_13": ema(change * v, 13) / ema(np.where(np.isnan(change), np.nan, v), 13) / c,
        "ease_of_movement_14": last(np.log(middle / ago(middle, 1)) * box / (v / (month / 21)), 14).mean(axis=1),
        "vwma_ratio_20": c / (last(c * v, 20).sum(axis=1) / last(v, 20).sum(axis=1)) - 1,
    }


def test_every_indicator_has_a_reference(expected):
    assert set(REST) == set(expected)


@pytest.mark.parametrize("name", REST)
def test_values_are_those_of_the_formula(name, computed, expected):
    first = SET.features[name].lookback
    assert_to_a_billionth(computed[name].to_numpy()[first:], expected[name][first:], name)


def test_the_series_of_the_reference_begins_where_its_windows_are_full(expected):
    known = {name: int(np.argmax(~np.isnan(values))) for name, values in expected.items()}
    windowed = {name: first for name, first in known.items() if SET.features[name].lookback < 400}
    assert windowed == {name: SET.features[name].lookback for name in windowed}
