import hashlib
import math
import os
import subprocess
import sys
from datetime import date

import numpy as np
import polars as pl
import pytest
import talib
from polars.testing import assert_frame_equal

from trading_assets.features.technical import FEATURES, LOOKBACK_BARS, _technical_float64, technical
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts, warmup_violations
from trading_assets_tests.point_in_time.sample import SHARED_DATA, actions, random_bars, real_bars, real_splits

NAMES = list(FEATURES)
OHLCV = ("open", "high", "low", "close", "volume")
ALL_TIME = {"start": date(1999, 1, 1), "end": date(2020, 12, 31)}

# rows of a symbol's history, itself included, that a value needs: the first row with a value is this one
FIRST_ROW = {
    **{f"log_return_{n}": n + 1 for n in (1, 5, 10, 21, 63, 126, 252)},
    **{f"sma_ratio_{n}": n for n in (20, 50, 200)},
    **{f"realised_volatility_{n}": n + 1 for n in (10, 21, 63)},
    **dict.fromkeys(("macd_12_26", "macd_histogram_12_26_9"), 34),
    **dict.fromkeys(("plus_di_14", "minus_di_14", "rsi_14", "natr_14", "mfi_14"), 15),
    **dict.fromkeys(("cci_20", "bollinger_position_20", "bollinger_width_20"), 20),
    **dict.fromkeys(("parkinson_volatility_21", "garman_klass_volatility_21", "volume_ratio_21", "adosc_3_10"), 21),
    **dict.fromkeys(("distance_to_high_252", "distance_to_low_252"), 252),
    "adx_14": 28,
    "aroon_oscillator_25": 26,
    "williams_r_14": 14,
    "stochastic_k_14_3": 18,
    "trix_15": 44,
    "balance_of_power": 1,
    "overnight_gap": 2,
    "return_skew_63": 64,
    "volume_z_63": 63,
    "amihud_ratio_21_252": 253,
    "obv_flow_21": 22,
}


@pytest.fixture(scope="module")
def bars():
    return real_bars("AAPL", "MSFT", "IBM").filter(pl.col("date") < date(2006, 1, 1))


@pytest.fixture(scope="module")
def computed(bars):
    return technical(bars, real_splits(), **ALL_TIME)


def with_extremes(bars):
    """Add names that barely trade: flat, dead, without volume, and with flat stretches after wild ones."""
    template = bars.filter(pl.col("symbol") == "A").sort("date")
    row = pl.int_range(pl.len())
    quiet = (row // 40) % 2 == 1
    held = [pl.when(quiet).then(None).otherwise(pl.col(name)).forward_fill().alias(name) for name in OHLCV[:4]]
    flat = [pl.lit(10.1).alias(name) for name in OHLCV[:4]]
    one_price = [pl.col("close").alias(name) for name in OHLCV[:4]]
    cases = {
        "FLAT": template.with_columns(flat),
        "DEAD": template.with_columns(flat).with_columns(volume=pl.lit(0, pl.Int64)),
        "NOVOLUME": template.with_columns(volume=pl.lit(0, pl.Int64)),
        "SAMEVOLUME": template.with_columns(volume=pl.lit(1000, pl.Int64)),
        "HALTS": template.with_columns(held).with_columns(volume=pl.when(quiet).then(0).otherwise(pl.col("volume"))),
        "ONEPRICE": template.with_columns(held).with_columns(one_price),
        "PENNY": template.with_columns(pl.col(*OHLCV[:4]) * 1e-5, volume=pl.col("volume") * 100_000),
        "STOPPED": template.with_columns(
            [pl.when(row < 400).then(pl.col(name) * 1e3).otherwise(10.1).alias(name) for name in OHLCV[:4]]
        ).with_columns(volume=pl.when(row < 420).then(pl.col("volume")).otherwise(pl.lit(0, pl.Int64))),
        "JUMP": template.with_columns(
            [(pl.col(name) * pl.when(row < 300).then(1e6).otherwise(1.0)).alias(name) for name in OHLCV[:4]]
        ),
    }
    named = [frame.with_columns(symbol=pl.lit(name)).select(bars.columns) for name, frame in cases.items()]
    return pl.concat([bars, *named])


def now_and_then(names):
    """Bars of names that move on few days, by amounts of many magnitudes."""
    random, frames = np.random.default_rng(5), []
    for template in random_bars(names, 600).partition_by("symbol"):
        moves = random.random(600) < 0.05
        size = np.where(moves, 10.0 ** random.uniform(-4, 0, 600), 0.0)
        close = 10.0 * np.exp(np.cumsum(size * random.choice([-1.0, 1.0], 600)))
        frames.append(
            template.with_columns(
                open=close,
                close=close,
                high=close * (1.0 + size),
                low=close,
                volume=np.where(moves, 10 ** random.integers(0, 9, 600), 0),
            )
        )
    return pl.concat(frames)


class TestTable:
    def test_there_are_forty_described_features_in_four_groups(self):
        assert len(FEATURES) == 40
        assert all(name == feature.name and feature.doc and feature.unit for name, feature in FEATURES.items())
        assert {feature.group for feature in FEATURES.values()} == {"trend", "momentum", "volatility", "volume"}

    def test_columns_are_the_key_and_the_table_in_single_precision(self, computed):
        schema = {"symbol": pl.String, "date": pl.Date, **dict.fromkeys(FEATURES, pl.Float32)}
        assert dict(computed.schema) == schema
        assert computed.columns == list(schema)

    def test_every_bar_of_the_window_has_one_row(self, bars, computed):
        assert_frame_equal(computed.select("symbol", "date"), bars.select("symbol", "date").sort("symbol", "date"))


@pytest.fixture(scope="module")
def block():
    msft = real_bars("MSFT").sort("date")
    before = msft.filter(pl.col("date") < date(2003, 1, 1)).tail(LOOKBACK_BARS)
    rows = pl.concat([before, msft.filter(pl.col("date").dt.year() == 2003)])
    factor = np.where(rows["date"].to_numpy() >= np.datetime64("2003-02-18"), 2.0, 1.0)
    arrays = {name: rows[name].to_numpy() * factor for name in OHLCV[:4]}
    return {**arrays, "volume": rows["volume"].to_numpy() / factor}


@pytest.fixture(scope="module")
def values():
    return _technical_float64(
        real_bars("MSFT", "AAPL"), real_splits(), start=date(2003, 1, 1), end=date(2003, 12, 31)
    ).filter(pl.col("symbol") == "MSFT")


class TestValues:
    """MSFT in 2003, the year of its split, computed by hand from the rows of its block."""

    @pytest.mark.parametrize("name", [name for name, feature in FEATURES.items() if feature.source == "talib"])
    def test_indicators_are_those_of_ta_lib(self, name, block, values):
        o, h, l, c, v = (block[column] for column in OHLCV)  # noqa: E741 - the letters of the field
        direct = {
            "sma_ratio_20": lambda: c / talib.SMA(c, timeperiod=20) - 1,
            "sma_ratio_50": lambda: c / talib.SMA(c, timeperiod=50) - 1,
            "sma_ratio_200": lambda: c / talib.SMA(c, timeperiod=200) - 1,
            "macd_12_26": lambda: talib.MACD(c, fastperiod=12, slowperiod=26, signalperiod=9)[0] / c,
            "macd_histogram_12_26_9": lambda: talib.MACD(c, fastperiod=12, slowperiod=26, signalperiod=9)[2] / c,
            "adx_14": lambda: talib.ADX(h, l, c, timeperiod=14),
            "plus_di_14": lambda: talib.PLUS_DI(h, l, c, timeperiod=14),
            "minus_di_14": lambda: talib.MINUS_DI(h, l, c, timeperiod=14),
            "aroon_oscillator_25": lambda: talib.AROONOSC(h, l, timeperiod=25),
            "rsi_14": lambda: talib.RSI(c, timeperiod=14),
            "cci_20": lambda: talib.CCI(h, l, c, timeperiod=20),
            "williams_r_14": lambda: talib.WILLR(h, l, c, timeperiod=14),
            "stochastic_k_14_3": lambda: talib.STOCH(h, l, c, fastk_period=14, slowk_period=3, slowd_period=3)[0],
            "trix_15": lambda: talib.TRIX(c, timeperiod=15),
            "balance_of_power": lambda: talib.BOP(o, h, l, c),
            "natr_14": lambda: talib.NATR(h, l, c, timeperiod=14),
            "mfi_14": lambda: talib.MFI(h, l, c, v, timeperiod=14),
            "adosc_3_10": lambda: talib.ADOSC(h, l, c, v, fastperiod=3, slowperiod=10) / talib.SMA(v, timeperiod=21),
        }[name]()
        np.testing.assert_allclose(values[name].to_numpy(), direct[LOOKBACK_BARS:], rtol=1e-9, atol=1e-9)

    def test_bollinger_bands_are_those_of_ta_lib(self, block, values):
        upper, middle, lower = talib.BBANDS(block["close"], timeperiod=20, nbdevup=2, nbdevdn=2)
        position, width = (block["close"] - lower) / (upper - lower), (upper - lower) / middle
        np.testing.assert_allclose(values["bollinger_position_20"], position[LOOKBACK_BARS:], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(values["bollinger_width_20"], width[LOOKBACK_BARS:], rtol=1e-9)

    @pytest.mark.parametrize("name", [name for name, feature in FEATURES.items() if feature.source == "polars"])
    def test_the_last_row_equals_its_formula(self, name, block, values):
        o, h, l, c, v = (block[column] for column in OHLCV)  # noqa: E741 - the letters of the field
        r = np.diff(np.log(c))
        body, spread = np.log(c / o) ** 2, np.log(h / l) ** 2
        impact = np.abs(r) / (c * v)[1:]
        year = math.sqrt(252)
        formula = {
            **{f"log_return_{n}": math.log(c[-1] / c[-1 - n]) for n in (1, 5, 10, 21, 63, 126, 252)},
            **{f"realised_volatility_{n}": r[-n:].std(ddof=1) * year for n in (10, 21, 63)},
            "distance_to_high_252": c[-1] / h[-252:].max() - 1,
            "distance_to_low_252": c[-1] / l[-252:].min() - 1,
            "overnight_gap": math.log(o[-1] / c[-2]),
            "parkinson_volatility_21": math.sqrt(spread[-21:].mean() / (4 * math.log(2))) * year,
            "garman_klass_volatility_21": math.sqrt((0.5 * spread - (2 * math.log(2) - 1) * body)[-21:].mean()) * year,
            "bollinger_position_20": 0.5 + (c[-1] - c[-20:].mean()) / (4 * c[-20:].std()),
            "bollinger_width_20": 4 * c[-20:].std() / c[-20:].mean(),
            "return_skew_63": ((r[-63:] - r[-63:].mean()) ** 3).mean() / r[-63:].std() ** 3,
            "volume_ratio_21": v[-1] / v[-21:].mean(),
            "volume_z_63": (v[-1] - v[-63:].mean()) / v[-63:].std(ddof=1),
            "amihud_ratio_21_252": impact[-21:].mean() / impact[-252:].mean(),
            "obv_flow_21": (np.sign(r) * v[1:])[-21:].sum() / v[-21:].sum(),
        }[name]
        assert values[name][-1] == pytest.approx(formula, rel=1e-9, abs=1e-12)

    def test_single_precision_is_the_rounding_of_the_full_one(self, bars, computed):
        full = _technical_float64(bars, real_splits(), **ALL_TIME)
        assert_frame_equal(computed, full.with_columns(pl.col(NAMES).cast(pl.Float32)), check_exact=True)


class TestPurity:
    """A value is a function of its partition, to the last bit."""

    def test_a_range_of_years_equals_its_single_years_in_any_order(self, bars, computed):
        years = [2003, 2000, 2005, 2001, 2004, 2002]
        single = [technical(bars, real_splits(), start=date(y, 1, 1), end=date(y, 12, 31)) for y in years]
        assert_frame_equal(pl.concat(single).sort("symbol", "date"), computed, check_exact=True)

    def test_a_refresh_that_reads_just_the_look_back_equals_the_backfill(self, bars, computed):
        past, year = bars.filter(pl.col("date") < date(2004, 1, 1)), bars.filter(pl.col("date").dt.year() == 2004)
        read = pl.concat([past.sort("date").group_by("symbol").tail(LOOKBACK_BARS), year])
        late_splits = real_splits().filter(pl.col("ex_date") > date(2003, 1, 1))
        refreshed = technical(read, late_splits, start=date(2004, 1, 1), end=date(2004, 12, 31))
        assert_frame_equal(refreshed, computed.filter(pl.col("date").dt.year() == 2004), check_exact=True)

    def test_single_days_equal_the_range(self, bars, computed):
        for day in (date(2000, 6, 21), date(2003, 12, 31), date(2005, 2, 28)):
            assert_frame_equal(
                technical(bars, real_splits(), start=day, end=day),
                computed.filter(pl.col("date") == day),
                check_exact=True,
            )

    def test_months_are_as_pure_as_years(self, bars):
        window = {"start": date(2003, 1, 1), "end": date(2003, 3, 31)}
        months = [(date(2003, m, 1), date(2003, m, 28 if m == 2 else 31)) for m in (2, 1, 3)]
        single = [technical(bars, real_splits(), start=a, end=b, period="month") for a, b in months]
        together = technical(bars, real_splits(), **window, period="month")
        assert_frame_equal(pl.concat(single).sort("symbol", "date"), together, check_exact=True)

    @pytest.mark.parametrize("subset", [["MSFT"], ["IBM", "AAPL"]])
    def test_other_symbols_do_not_matter(self, bars, computed, subset):
        alone = technical(bars.filter(pl.col("symbol").is_in(subset)), real_splits(), **ALL_TIME)
        assert_frame_equal(alone, computed.filter(pl.col("symbol").is_in(subset)), check_exact=True)

    def test_a_panel_too_wide_for_one_portion_is_still_one_sorted_panel(self):
        wide = random_bars([f"S{i:03}" for i in range(300)], 25).sample(fraction=1.0, shuffle=True, seed=3)
        result = technical(wide, actions(), **ALL_TIME)
        assert_frame_equal(result.select("symbol", "date"), wide.select("symbol", "date").sort("symbol", "date"))
        last = technical(wide.filter(pl.col("symbol") == "S299"), actions(), **ALL_TIME)
        assert_frame_equal(result.filter(pl.col("symbol") == "S299"), last, check_exact=True)

    def test_the_order_of_rows_does_not_matter(self, bars, computed):
        shuffled = bars.sample(fraction=1.0, shuffle=True, seed=3)
        assert_frame_equal(technical(shuffled, real_splits()[::-1], **ALL_TIME), computed, check_exact=True)

    def test_the_number_of_threads_does_not_matter(self):
        program = (
            "from trading_assets_tests.features.test_technical import digest_of_a_panel\nprint(digest_of_a_panel())\n"
        )
        threads = "1" if pl.thread_pool_size() > 1 else "2"
        other = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "POLARS_MAX_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        )
        assert other.stdout == digest_of_a_panel() + "\n"


def digest_of_a_panel():
    panel = with_extremes(random_bars("ABC", 700))
    result = technical(panel, actions(("A", date(2015, 5, 5), "split", 1.5)), **ALL_TIME)
    raw = b"".join(result[name].fill_null(-9.0).to_numpy().tobytes() for name in NAMES)
    return hashlib.sha256(raw).hexdigest()


class TestLaws:
    def test_values_are_finite_or_null_even_for_names_that_barely_trade(self):
        result = technical(with_extremes(random_bars("A", 700)), actions(), **ALL_TIME)
        assert result.select(pl.col(NAMES).is_nan().any() | pl.col(NAMES).is_infinite().any()).row(0) == (False,) * 40

    def test_values_are_null_exactly_while_their_window_fills(self):
        result = technical(with_extremes(random_bars("A", 700)), actions(), **ALL_TIME)
        history = result.with_columns(row=pl.int_range(pl.len()).over("symbol") + 1)
        for name, first in FIRST_ROW.items():
            assert history.filter(pl.col(name).is_null() != (pl.col("row") < first)).is_empty(), name
        assert set(FIRST_ROW) == set(FEATURES)

    def test_flat_and_dead_names_have_their_documented_values(self):
        result = technical(with_extremes(random_bars("A", 700)), actions(), **ALL_TIME)
        dead = result.filter(pl.col("symbol") == "DEAD").row(-1, named=True)
        ones = {"volume_ratio_21": 1.0, "amihud_ratio_21_252": 1.0, "bollinger_position_20": 0.5}
        assert {name: dead[name] for name in ones} == ones
        assert all(abs(dead[name]) < 1e-12 for name in set(NAMES) - set(ones))

    def test_a_name_that_stops_moving_has_exact_values_without_the_residues_of_wild_times(self):
        stopped = technical(with_extremes(random_bars("A", 700)), actions(), **ALL_TIME).filter(symbol="STOPPED")
        windows = {
            "realised_volatility_10": (10, 0.0),
            "realised_volatility_21": (21, 0.0),
            "realised_volatility_63": (63, 0.0),
            "return_skew_63": (63, 0.0),
            "parkinson_volatility_21": (21, 0.0),
            "garman_klass_volatility_21": (21, 0.0),
            "bollinger_position_20": (20, 0.5),
            "bollinger_width_20": (20, 0.0),
            "cci_20": (20, 0.0),
            "obv_flow_21": (21, 0.0),
            "volume_z_63": (84, 0.0),
            "volume_ratio_21": (42, 1.0),
            "adosc_3_10": (42, 0.0),
            "amihud_ratio_21_252": (253, 1.0),
        }
        for name, (window, neutral) in windows.items():
            assert stopped[name].slice(401 + window).unique().to_list() == [neutral], name

    def test_rounding_residues_of_values_that_left_the_window_break_no_bound(self):
        names = [f"S{i:02}" for i in range(40)]
        thirds = actions(*((name, date(2014, 7, 1), "split", 7 / 3) for name in names))  # volumes that are no integers
        result = _technical_float64(now_and_then(names), thirds, **ALL_TIME)
        assert result["obv_flow_21"].drop_nulls().is_between(-1.0, 1.0).all()
        assert result["amihud_ratio_21_252"].drop_nulls().is_between(0.0, 12.0).all()
        assert result["return_skew_63"].drop_nulls().abs().max() <= 61.0 / math.sqrt(62.0)
        traded = (
            now_and_then(names)
            .sort("symbol", "date")
            .with_columns(still=(pl.col("high") == pl.col("low")).cast(pl.Int8).rolling_min(21).over("symbol") == 1)
        )
        still = result.filter(traded["still"].fill_null(value=False))
        assert still.height > 1000
        for name in ("parkinson_volatility_21", "garman_klass_volatility_21"):
            assert (still[name] == 0.0).all(), name

    def test_bounded_features_stay_in_their_bounds_after_wild_times(self):
        result = technical(with_extremes(random_bars("A", 700)), actions(), **ALL_TIME)
        percents = ["adx_14", "plus_di_14", "minus_di_14", "rsi_14", "stochastic_k_14_3", "mfi_14"]
        bounds = {
            **dict.fromkeys(percents, (0, 100)),
            "aroon_oscillator_25": (-100, 100),
            "williams_r_14": (-100, 0),
            "cci_20": (-1000 * 20 / 30, 1000 * 20 / 30),
            "balance_of_power": (-1, 1),
            "distance_to_high_252": (-1, 0),
            "amihud_ratio_21_252": (0, 12),
            "obv_flow_21": (-1, 1),
            "volume_z_63": (-7.9, 7.9),
            "return_skew_63": (-7.8, 7.8),
            "bollinger_position_20": (-0.6, 1.6),
        }
        for name, (low, high) in bounds.items():
            values = result[name].drop_nulls()
            assert values.is_between(low - 1e-4, high + 1e-4).all(), name

    def test_the_price_level_does_not_matter(self):
        panel = random_bars("AB", 600)
        scaled = panel.with_columns(pl.col(*OHLCV[:4]) * 4.0, volume=pl.col("volume") * 8)
        assert_frame_equal(
            technical(panel, actions(), **ALL_TIME), technical(scaled, actions(), **ALL_TIME), check_exact=True
        )

    def test_a_split_leaves_no_trace(self):
        panel, ex_date = random_bars("AB", 600).with_columns(volume=pl.col("volume") * 2), date(2015, 5, 5)
        after = (pl.col("date") >= ex_date) & (pl.col("symbol") == "A")
        split = panel.with_columns(
            *(pl.when(after).then(pl.col(name) / 2).otherwise(pl.col(name)) for name in OHLCV[:4]),
            pl.when(after).then(pl.col("volume") * 2).otherwise(pl.col("volume")),
        )
        traced = technical(split, actions(("A", ex_date, "split", 2.0)), **ALL_TIME)
        assert_frame_equal(technical(panel, actions(), **ALL_TIME), traced, check_exact=True)


def compute(inputs):
    return technical(inputs["bars"], inputs["actions"], **ALL_TIME)


class TestPointInTime:
    def test_no_value_knows_the_future(self, bars):
        recent = bars.filter(pl.col("date") < date(2004, 1, 1))
        found = lookahead_violations(
            compute,
            {"bars": recent, "actions": real_splits()},
            known_on={"bars": "date", "actions": "ex_date"},
            key=["symbol", "date"],
            cuts=pick_cuts(recent["date"], 20),
            poison_seed=11,
        )
        assert found.rows() == []

    def test_a_value_that_knew_the_future_would_be_found(self, bars):
        found = lookahead_violations(
            lambda inputs: compute(inputs).with_columns(pl.col("rsi_14").shift(-1).over("symbol")),
            {"bars": bars, "actions": real_splits()},
            known_on={"bars": "date", "actions": "ex_date"},
            key=["symbol", "date"],
            cuts=[date(2004, 3, 3)],
            poison_seed=11,
        )
        assert set(found["column"]) == {"rsi_14"}

    def test_the_declared_look_back_is_enough(self, bars):
        found = warmup_violations(
            compute,
            {"bars": bars, "actions": real_splits()},
            history={"bars": "date"},
            lookback=LOOKBACK_BARS,
            extra_history=(0, 99, 600),
            probes=[date(2002, 1, 2), date(2003, 12, 31), date(2005, 3, 1)],
            key=["symbol", "date"],
        )
        assert found.rows() == []

    def test_in_full_precision_longer_history_moves_nothing_by_more_than_a_billionth(self, bars):
        window = {"start": date(2002, 1, 1), "end": date(2005, 12, 31)}
        assert_same_to_a_billionth(bars, real_splits(), **window)


def assert_same_to_a_billionth(bars, splits, **window):
    declared = _technical_float64(bars, splits, **window)
    longer = _technical_float64(bars, splits, **window, lookback=10_000)
    assert declared.select(pl.col(NAMES).is_null()).equals(longer.select(pl.col(NAMES).is_null()))
    for name in NAMES:
        a, b = (frame[name].drop_nulls().to_numpy() for frame in (declared, longer))
        scale = np.maximum(np.abs(a), np.median(np.abs(a)))
        assert np.max(np.abs(a - b) / scale) <= 1e-9, name


@pytest.mark.skipif(not SHARED_DATA.exists(), reason=f"the S&P 500 panel is not there: {SHARED_DATA}")
def test_longer_history_moves_nothing_for_a_broad_panel_of_names():
    panel = pl.read_parquet(SHARED_DATA / "us_daily_2013_2018.parquet").drop_nulls()
    some = panel["symbol"].unique().sort().gather_every(12).implode()
    clean = panel.filter(pl.col("symbol").is_in(some), pl.col("high") >= pl.col("low"))
    assert_same_to_a_billionth(clean, actions(), start=date(2017, 1, 1), end=date(2018, 12, 31))


def test_no_bars_in_the_window_give_no_rows_but_all_columns():
    nothing = technical(random_bars("A", 30), actions(), start=date(2019, 1, 1), end=date(2019, 12, 31))
    assert nothing.is_empty()
    assert nothing.columns == ["symbol", "date", *NAMES]
    assert nothing["rsi_14"].dtype == pl.Float32


@pytest.mark.parametrize(
    ("column", "value"), [("close", float("nan")), ("open", None), ("low", 0.0), ("high", float("inf")), ("volume", -1)]
)
def test_an_unusable_bar_is_refused_by_name(column, value):
    panel = random_bars("A", 30)
    day = panel["date"][7]
    broken = panel.with_columns(pl.when(pl.col("date") == day).then(value).otherwise(pl.col(column)).alias(column))
    with pytest.raises(ValueError, match=f"A {day}.*quarantine"):
        technical(broken, actions(), **ALL_TIME)
