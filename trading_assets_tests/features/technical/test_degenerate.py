"""Names that barely trade: every value is finite, in its bounds, and the documented one where nothing moves."""

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.features.compute import compute
from trading_assets.features.feature_set import RECURSIVE
from trading_assets.features.technical.catalogue import SET
from trading_assets.features.technical.ranges import REST
from trading_assets_tests.features.extremes import STILL_FROM, UNTRADED_FROM, extreme_names, now_and_then
from trading_assets_tests.point_in_time.sample import actions, random_bars

ALL_TIME = {"start": date(2000, 1, 1), "end": date(2020, 12, 31)}
WINDOWED = [name for name, feature in SET.features.items() if feature.lookback < RECURSIVE]

# Values of a name that neither moves nor trades; 0 where none is named.
AT_REST = {
    "aroon_up_25": 100.0,
    "aroon_down_25": 100.0,
    "choppiness_14": 100.0,
    "cutler_rsi_63": 50.0,
    "intraday_momentum_14": 50.0,
    "bollinger_position_20": 0.5,
    "keltner_position_20": 0.5,
    "donchian_position_20": 0.5,
    "donchian_position_55": 0.5,
    "true_range_ratio_14": 1.0,
    "mass_index_9_25": 25.0,
    "volume_ratio_21": 1.0,
    "amihud_ratio_21_252": 1.0,
}
# Quotients of averages that fade alike: their value after a long rest does not tell of the time before.
FADING = (
    *("adx_14", "plus_di_14", "minus_di_14", "dx_14", "sar_ratio", "rsi_2", "rsi_7", "rsi_14", "cmo_9", "tsi_25_13"),
    *("stochastic_rsi_14", "mass_index_9_25", "volume_oscillator_12_26", "force_index_13"),
)
PERCENTS = (
    *(
        "adx_14",
        "plus_di_14",
        "minus_di_14",
        "dx_14",
        "aroon_up_25",
        "aroon_down_25",
        "choppiness_14",
        "rsi_2",
        "rsi_7",
    ),
    *("rsi_14", "cutler_rsi_63", "stochastic_rsi_14", "stochastic_k_14_3", "stochastic_fast_k_5", "mfi_14", "mfi_28"),
    *("ultimate_oscillator_7_14_28", "intraday_momentum_14"),
)
BOUNDS = {
    **dict.fromkeys(PERCENTS, (0, 100)),
    **dict.fromkeys(("aroon_oscillator_25", "cmo_9", "tsi_25_13"), (-100, 100)),
    **dict.fromkeys(("balance_of_power", "chaikin_money_flow_21", "obv_flow_21"), (-1, 1)),
    **dict.fromkeys(("donchian_position_20", "donchian_position_55", "efficiency_ratio_10"), (0, 1)),
    "williams_r_14": (-100, 0),
    "cci_20": (-1000 * 20 / 30, 1000 * 20 / 30),
    "cci_50": (-1000 * 50 / 30, 1000 * 50 / 30),
    "bollinger_position_20": (-0.6, 1.6),
    "keltner_position_20": (-4.5, 5.5),
    "true_range_ratio_14": (0, 14),
    "mass_index_9_25": (0, 125),
    "volume_ratio_21": (0, 21),
    "volume_oscillator_12_26": (-100, 108),
    "volume_z_21": (-4.5, 4.5),
    "volume_z_63": (-7.9, 7.9),
    "amihud_ratio_21_252": (0, 12),
}


@pytest.fixture(scope="module")
def computed():
    return compute([SET], extreme_names(), actions(), **ALL_TIME)["technical"]


def test_values_are_finite(computed):
    values = computed.drop_nulls().select(list(SET.features))
    assert values.height > 4000
    assert np.isfinite(values.to_numpy()).all()


def test_a_name_that_never_moved_nor_traded_has_the_documented_values(computed):
    last = computed.filter(symbol="DEAD").row(-1, named=True)
    unlike = {name: last[name] for name in SET.features if abs(last[name] - AT_REST.get(name, 0.0)) > 1e-12}
    assert unlike == {}


def test_a_name_that_stops_has_exact_values_as_soon_as_its_windows_are_still(computed):
    stopped = computed.filter(symbol="STOPPED")
    for name in WINDOWED:
        feature = SET.features[name]
        first = (UNTRADED_FROM if feature.group == "volume" else STILL_FROM) + feature.lookback
        assert stopped[name].slice(first + 1).unique().to_list() == [AT_REST.get(name, 0.0)], name


def test_quotients_of_averages_come_to_rest_with_the_name(computed):
    stopped = computed.filter(symbol="STOPPED")
    for name in FADING:
        assert stopped[name].slice(UNTRADED_FROM + REST + 1).unique().to_list() == [AT_REST.get(name, 0.0)], name


@pytest.mark.parametrize("pause", [REST - 3, 500])
def test_a_long_pause_does_not_bring_back_what_lies_before_the_look_back(pause):
    usual = random_bars("AB", 2200, first=date(2007, 1, 1))
    moves = (pl.int_range(pl.len()) % pause == 0).over("symbol")
    held = [
        pl.when(moves).then(pl.col(name)).forward_fill().over("symbol") for name in ("open", "high", "low", "close")
    ]
    bars = usual.with_columns(held).with_columns(
        *(pl.when(moves).then(pl.col(name)).otherwise(pl.col("close")).alias(name) for name in ("open", "high", "low")),
        volume=pl.when(moves).then(pl.col("volume")).otherwise(0),
    )
    window = {"start": date(2012, 1, 1), "end": date(2020, 12, 31), "dtype": np.float64}
    declared = compute([SET], bars, actions(), **window)["technical"]
    longer = compute([SET], bars, actions(), **window, history=5_000)["technical"]
    for name in FADING:
        a, b = declared[name].to_numpy(), longer[name].to_numpy()
        assert np.max(np.abs(a - b)) <= 1e-9 * 100, name


@pytest.mark.parametrize("name", BOUNDS)
def test_bounded_indicators_stay_in_their_bounds_after_wild_times(name, computed):
    low, high = BOUNDS[name]
    assert computed[name].drop_nulls().is_between(low - 1e-4, high + 1e-4).all()


def test_rounding_residues_of_values_that_left_the_window_break_no_bound():
    names = [f"S{i:02}" for i in range(40)]
    thirds = actions(*((name, date(2014, 7, 1), "split", 7 / 3) for name in names))  # volumes that are no integers
    result = compute([SET], now_and_then(names), thirds, **ALL_TIME, dtype=np.float64)["technical"]
    for name in ("obv_flow_21", "chaikin_money_flow_21", "amihud_ratio_21_252", "efficiency_ratio_10"):
        assert result[name].drop_nulls().is_between(*BOUNDS[name]).all(), name
    for name in ("choppiness_14", "cutler_rsi_63", "tsi_25_13", "intraday_momentum_14"):
        assert result[name].drop_nulls().is_between(*BOUNDS[name]).all(), name
    assert result["volume_z_63"].abs().max() <= 62 / math.sqrt(63) + 1e-9
