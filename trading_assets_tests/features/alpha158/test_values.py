"""Laws of Alpha158: null or finite, pure, without scale, exact order."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.features.alpha158.catalogue import SET, WINDOWS
from trading_assets.features.bar_rows import BarRows
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets_tests.features.alpha158.sample import KEY, NAMES, NO_ACTIONS, PRICES, alpha158, of_windows
from trading_assets_tests.point_in_time.sample import actions, random_bars

# rows of a name, from its first, that have no value; a window holds the rows that there are
FIRST_ROWS = {
    **{f"ROC{n}": n for n in WINDOWS},
    **dict.fromkeys(of_windows("STD", "BETA", "RSQR", "RESI", "CORR", "VSTD"), 1),
    **dict.fromkeys(of_windows("SUMP", "SUMN", "SUMD", "VSUMP", "VSUMN", "VSUMD"), 1),
    **dict.fromkeys(of_windows("WVMA", "CORD"), 2),
}
# sums over all rows of a window, in which the oldest always shows
OF_ALL_ROWS = of_windows(
    "ROC", "MA", "STD", "BETA", "RSQR", "RESI", "CORR", "CORD", "VMA", "VSTD", "WVMA", "SUMP", "VSUMP"
)
UNKNOWN_WHEN_STILL = of_windows("RSQR", "CORR", "CORD")


@pytest.fixture(scope="module")
def panel():
    return random_bars("ABC", 560, seed=3), actions(("B", date(2015, 5, 5), "split", 1.5))


@pytest.fixture(scope="module")
def computed(panel):
    return alpha158(*panel)


class TestNulls:
    def test_values_are_null_only_while_a_window_holds_too_few_rows(self):
        found = alpha158(random_bars("AB", 130)).with_columns(row=pl.int_range(pl.len()).over("symbol"))
        for name in NAMES:
            early = pl.col("row") < FIRST_ROWS.get(name, 0)
            assert found.filter(pl.col(name).is_null() != early).is_empty(), name

    def test_values_are_finite_or_null_whatever_price_and_volume_do(self):
        template = random_bars("A", 300)
        row, prices = pl.int_range(pl.len()), pl.col(PRICES)
        flat, idle, every_seventh = pl.lit(10.1), pl.lit(0), row % 7 == 0
        early = row < 150
        cases = {
            "FLAT": [flat.alias(name) for name in PRICES],
            "DEAD": [*(flat.alias(name) for name in PRICES), idle.alias("volume")],
            "LEAPS": [
                prices * pl.when(early).then(1e6).otherwise(1e-3),
                pl.when(every_seventh).then(0).when(early).then(10**12).otherwise(1).alias("volume"),
            ],
            "TINY": [prices * 1e-6],
            "STOPPED": [pl.when(early).then(pl.col(name) * 1e3).otherwise(flat).alias(name) for name in PRICES],
        }
        bars = [
            template.with_columns(*columns, symbol=pl.lit(name)).cast({"volume": pl.Int64})
            for name, columns in cases.items()
        ]
        found = alpha158(pl.concat(bars))
        assert found.select(pl.col(NAMES).is_nan().any() | pl.col(NAMES).is_infinite().any()).row(0) == (False,) * 158

    @pytest.mark.parametrize("volume", [0, 1000])
    def test_when_nothing_moves_all_but_fits_and_correlations_are_known(self, volume):
        still = random_bars("A", 90).with_columns(*(pl.lit(10.1).alias(name) for name in PRICES), volume=pl.lit(volume))
        ones = of_windows("ROC", "MA", "MAX", "MIN", "QTLU", "QTLD") | {"OPEN0", "HIGH0", "LOW0", "VWAP0"}
        expected = {
            **dict.fromkeys(NAMES, 0.0),
            **dict.fromkeys(ones, 1.0),
            **{f"{family}{n}": 1.0 / n for family in ("IMAX", "IMIN") for n in WINDOWS},
            **{f"RANK{n}": (n + 1.0) / 2.0 / n for n in WINDOWS},
            **dict.fromkeys(of_windows("VMA"), float(volume > 0)),
        }
        found = alpha158(still).select(NAMES).row(-1, named=True)
        assert {name for name in NAMES if found[name] is None} == UNKNOWN_WHEN_STILL
        known = set(NAMES) - UNKNOWN_WHEN_STILL
        assert {name: found[name] for name in known} == pytest.approx({name: expected[name] for name in known})


class TestOrder:
    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.integers(1, 4).map(float), min_size=1, max_size=90))
    def test_equal_closes_count_as_they_do_in_qlib(self, closes):
        frame = random_bars("A", len(closes)).with_columns(pl.Series(name, closes) for name in PRICES)
        rows = BarRows.of(frame, NO_ACTIONS, history=SET.history, start=date(2014, 1, 1), end=date(2014, 12, 31))
        with np.errstate(all="ignore"):
            found = SET.values(rows)
        for n in WINDOWS:
            for row in {len(closes) - 1, len(closes) // 2}:
                window = np.array(closes[max(row - n + 1, 0) : row + 1])
                ranks = (window < window[-1]).sum(), (window <= window[-1]).sum()
                expected = {
                    "RANK": (sum(ranks) + 1) / 2 / len(window),
                    "QTLU": np.quantile(window, 0.8) / window[-1],
                    "QTLD": np.quantile(window, 0.2) / window[-1],
                    "MAX": window.max() / window[-1],
                    "MIN": window.min() / window[-1],
                    "IMAX": (window.argmax() + 1) / n,
                    "IMIN": (window.argmin() + 1) / n,
                }
                assert {family: found[f"{family}{n}"][row] for family in expected} == pytest.approx(expected, rel=1e-12)


class TestPurity:
    def test_a_range_equals_its_periods_one_by_one(self, panel, computed):
        years = [alpha158(*panel, start=date(year, 1, 1), end=date(year, 12, 31)) for year in (2016, 2014, 2015)]
        assert_frame_equal(pl.concat(years).sort(KEY), computed, check_exact=True)

    def test_a_period_with_its_history_alone_equals_the_range(self, panel, computed):
        bars, known = panel
        year = pl.col("date") >= date(2016, 1, 1)
        history = bars.filter(~year).group_by("symbol", maintain_order=True).tail(SET.history)
        refreshed = alpha158(pl.concat([history, bars.filter(year)]), known, start=date(2016, 1, 1))
        assert_frame_equal(refreshed, computed.filter(year), check_exact=True)

    def test_neither_other_names_nor_the_order_of_rows_matter(self, panel, computed):
        bars, known = panel
        alone = alpha158(bars.filter(pl.col("symbol") == "B").sample(fraction=1.0, shuffle=True, seed=1), known)
        assert_frame_equal(alone, computed.filter(pl.col("symbol") == "B"), check_exact=True)

    @pytest.mark.parametrize("lookback", sorted({feature.lookback for feature in SET.features.values()}))
    def test_a_value_depends_on_the_rows_of_its_look_back(self, panel, lookback):
        names = [name for name in NAMES if SET.features[name].lookback == lookback]

        def last(rows):
            shortened = panel[0].group_by("symbol", maintain_order=True).tail(rows)
            return alpha158(shortened).group_by("symbol", maintain_order=True).last()

        full = last(560)
        assert_frame_equal(last(lookback + 1).select(names), full.select(names), check_exact=True)
        if lookback:
            short = last(lookback)
            assert [name for name in names if name in OF_ALL_ROWS and full[name].equals(short[name])] == []

    def test_no_value_knows_the_future(self, panel):
        bars = panel[0].filter(pl.col("date") < date(2015, 9, 1))
        found = lookahead_violations(
            lambda frames: alpha158(frames["bars"], frames["actions"]),
            {"bars": bars, "actions": panel[1]},
            known_on={"bars": "date", "actions": "ex_date"},
            key=KEY,
            cuts=pick_cuts(bars["date"], 8),
            poison_seed=5,
        )
        assert found.rows() == []


class TestScale:
    def test_neither_the_level_of_prices_nor_that_of_volumes_matters(self, panel):
        scaled = panel[0].with_columns(pl.col(PRICES) * 4.0, volume=pl.col("volume") * 8)
        assert_frame_equal(alpha158(scaled), alpha158(panel[0]), rel_tol=1e-6, abs_tol=1e-6)

    def test_a_split_leaves_no_trace(self, panel):
        bars, ex_date = panel[0].with_columns(volume=pl.col("volume") * 2), date(2015, 5, 5)
        after = (pl.col("date") >= ex_date) & (pl.col("symbol") == "B")
        split = bars.with_columns(
            *(pl.when(after).then(pl.col(name) / 2).otherwise(pl.col(name)) for name in PRICES),
            pl.when(after).then(pl.col("volume") * 2).otherwise(pl.col("volume")),
        )
        traced = alpha158(split, actions(("B", ex_date, "split", 2.0)))
        assert_frame_equal(traced, alpha158(bars), check_exact=True)

    def test_a_leap_at_the_newest_bar_costs_no_precision(self):
        leap = pl.when(pl.int_range(pl.len()) == 199).then(1e9).otherwise(1.0)
        bars = random_bars("A", 200).with_columns(pl.col(PRICES) * leap)
        closes, row = bars["close"].to_numpy()[-60:], np.arange(60)
        found = alpha158(bars, dtype=np.float64).row(-1, named=True)
        line = np.polynomial.Polynomial.fit(row, closes, 1)
        assert found["STD60"] == pytest.approx(closes.std(ddof=1) / closes[-1], rel=1e-12)
        assert found["RESI60"] == pytest.approx(1.0 - line(59) / closes[-1], rel=1e-12)
        assert found["RSQR60"] == pytest.approx(np.corrcoef(row, closes)[0, 1] ** 2, rel=1e-12)
