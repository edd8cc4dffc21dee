"""Drift: the figures of a month against the calendar year before, by hand and against SciPy."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.stats import ks_2samp

from trading_assets.features.drift.build import _portions
from trading_assets.features.drift.contract import DRIFT
from trading_assets.features.drift.figures import (
    LEAST_ROWS,
    Reference,
    bin_edges,
    drift,
    kolmogorov_smirnov,
    month_number,
    p_value,
    population_stability,
)
from trading_assets.features.drift.plots import MOST_FEATURES, distributions, psi_heat_map, worst_features

JANUARY = month_number(date(2021, 1, 1))


def days(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [day for day in (first + timedelta(days=number) for number in range(365)) if day.weekday() < 5]


def panel(names: int = 5, *, seed: int = 1, years=(2019, 2020, 2021)) -> pl.DataFrame:
    """Noise, noise that moves up by one deviation in March 2021, and noise with holes."""
    rng = np.random.default_rng(seed)
    dates = [day for year in years for day in days(year) for _ in range(names)]
    frame = pl.DataFrame({"date": dates}).with_columns(
        **{name: pl.Series(rng.standard_normal(len(dates)).astype(np.float32)) for name in ("noise", "moved", "holes")}
    )
    is_march = pl.col("date").is_between(date(2021, 3, 1), date(2021, 3, 31))
    return frame.with_columns(
        moved=pl.when(is_march).then(pl.col("moved") + 1.0).otherwise("moved").cast(pl.Float32),
        holes=pl.when(pl.int_range(pl.len()) % 4 == 0).then(None).otherwise("holes"),
    )


def of_two(before: np.ndarray, now: np.ndarray) -> dict[str, object]:
    """The one row of a month of values after a year of values."""
    rows = pl.DataFrame(
        {
            "date": [date(2020, 6, 1)] * len(before) + [date(2021, 1, 4)] * len(now),
            "x": np.concatenate([before, now]).astype(np.float32),
        }
    )
    return drift(rows, ["x"], [JANUARY]).row(0, named=True)


# --- the population stability index


def test_psi_by_hand():
    # Shares of a score in four bands, then and now (Siddiqi's layout): (now - then) * ln(now / then) of each band is
    # (.10-.20)*ln(.5) = 0.069315, (.30-.30)*ln(1) = 0, (.35-.30)*ln(1.16667) = 0.007708, (.25-.20)*ln(1.25) = 0.011157.
    then, now = np.array([[0.20, 0.30, 0.30, 0.20]]), np.array([[0.10, 0.30, 0.35, 0.25]])
    assert population_stability(now, then)[0] == pytest.approx(0.069315 + 0.0 + 0.007708 + 0.011157, abs=1e-6)


def test_an_empty_bin_counts_as_one_in_ten_thousand():
    found = population_stability(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]]))[0]
    assert found == pytest.approx((0.0001 - 0.5) * np.log(0.0001 / 0.5) + 0.5 * np.log(2.0))


def test_psi_of_a_month_is_over_the_deciles_of_the_year_before():
    # 1..100 before: deciles end at 11, 21, ... 91. Now 60 values in the first bin and 40 in the last.
    found = of_two(np.arange(1, 101), np.array([5.0] * 60 + [99.0] * 40))
    shares = np.array([0.11, *[0.1] * 8, 0.09])
    now = np.maximum(np.array([0.6, *[0.0] * 8, 0.4]), 1e-4)
    assert found["psi"] == pytest.approx(((now - shares) * np.log(now / shares)).sum())


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        (np.arange(1, 101), [11, 21, 31, 41, 51, 61, 71, 81, 91]),
        ([0, 0, 0, 1], [0]),
        ([0, 1, 1, 1, 1, 2], [0, 1]),
        ([7, 7, 7], []),
        ([], []),
        # Many values, nearly all of them zero: a decile that is met again is no bin of its own.
        ([0.0] * 95 + list(range(1, 31)), [0.0, 6.0, 18.0]),
    ],
)
def test_bins_are_deciles_or_the_few_values_there_are(values, edges):
    assert bin_edges(np.sort(np.array(values, dtype=np.float32))).tolist() == edges


def test_a_rare_value_that_becomes_common_is_seen():
    flags = np.array([0.0] * 5 + [1.0] * 95)
    assert of_two(flags, flags)["psi"] == pytest.approx(0.0)
    assert of_two(flags, 1.0 - flags)["psi"] > 1.0


# --- Kolmogorov and Smirnov


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(st.integers(LEAST_ROWS, 200), st.integers(LEAST_ROWS, 200)),
    levels=st.integers(1, 500),
)
def test_distance_is_scipy_s_with_ties_and_without(seed, sizes, levels):
    rng = np.random.default_rng(seed)
    before, now = (rng.integers(0, levels, size).astype(np.float32) for size in sizes)
    expected = ks_2samp(before, now, method="asymp")
    assert of_two(before, now)["ks"] == pytest.approx(expected.statistic, abs=1e-12)


@pytest.mark.parametrize(("n", "m", "shift"), [(105, 1250, 0.0), (105, 1250, 0.3), (10_000, 120_000, 0.02)])
def test_p_value_is_close_to_scipy_s(n: int, m: int, shift: float):
    rng = np.random.default_rng(3)
    now, before = rng.standard_normal(n) + shift, rng.standard_normal(m)
    expected = ks_2samp(now, before, method="asymp")
    found = p_value(np.array([expected.statistic]), np.array([n]), np.array([m]))[0]
    assert found == pytest.approx(expected.pvalue, abs=0.005)


def test_distance_by_hand():
    # Before: 1, 2, 3, 4. Now: 3, 5. At 2 the reference has come to 1/2 and the month to 0; at 4 to 1 and 1/2.
    below, up_to = np.array([[2, 4]], dtype=np.int32), np.array([[3, 4]], dtype=np.int32)
    assert kolmogorov_smirnov(below, up_to, np.array([2]), np.array([4]))[0] == 0.5


# --- what is compared with what


def test_a_feature_that_moved_stands_out_in_its_month_alone():
    found = drift(panel(names=20), ["noise", "moved", "holes"], range(JANUARY, JANUARY + 12))
    assert DRIFT.split(found).quarantined.is_empty()
    assert dict(found.schema) == DRIFT.schema
    beyond = found.filter(pl.col("psi") > 0.25).select("feature", "month").rows()
    assert beyond == [("moved", date(2021, 3, 1))]
    row = found.filter(feature="moved", month=date(2021, 3, 1)).row(0, named=True)
    assert row["mean_shift"] == pytest.approx(1.0, abs=0.25)
    assert row["p_value"] < 1e-9
    holes = found.filter(feature="holes")
    np.testing.assert_allclose(holes["missing_share"].to_numpy(), 0.25, atol=0.02)
    np.testing.assert_allclose(holes["reference_missing_share"].to_numpy(), 0.25, atol=0.02)
    assert holes["values"].to_list() == [round(r * (1 - s)) for r, s in holes.select("rows", "missing_share").rows()]


def test_the_reference_is_the_calendar_year_before():
    rows = panel()
    found = drift(rows, ["noise"], [JANUARY, JANUARY + 11])
    before = rows.filter(pl.col("date").dt.year() == 2020)["noise"].to_numpy()
    assert found["reference_values"].to_list() == [before.size] * 2
    now = rows.filter(pl.col("date") >= date(2021, 12, 1))["noise"].to_numpy()
    december = found.row(1, named=True)
    assert december["mean_shift"] == pytest.approx((now.mean() - before.mean()) / before.std(), abs=1e-6)
    assert december["ks"] == pytest.approx(ks_2samp(now, before).statistic, abs=1e-12)


def test_nothing_after_a_month_and_nothing_before_its_reference_matters():
    rows, months = panel(), range(JANUARY, JANUARY + 3)
    plain = drift(rows, ["noise", "holes"], months)
    end = date(2021, 3, 31)
    value = pl.col("noise", "holes")
    is_outside = (pl.col("date") > end) | (pl.col("date") < date(2020, 1, 1))
    poisoned = rows.with_columns(pl.when(is_outside).then(value * -9.0).otherwise(value).name.keep())
    assert_frame_equal(drift(poisoned, ["noise", "holes"], months), plain, check_exact=True)
    assert_frame_equal(drift(rows.filter(~is_outside), ["noise", "holes"], months), plain, check_exact=True)


def test_months_together_are_the_union_of_single_months_and_order_of_rows_does_not_matter():
    rows, months = panel(), [JANUARY - 1, JANUARY, JANUARY + 5]
    whole = drift(rows, ["noise", "moved", "holes"], months)
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=5)
    single = [drift(shuffled, [name], [month]) for month in months for name in ("moved", "holes", "noise")]
    assert_frame_equal(pl.concat(single).sort(DRIFT.key), whole, check_exact=True)


@pytest.mark.parametrize(("n_before", "n_now"), [(59, 100), (100, 59), (0, 100), (100, 0)])
def test_too_few_values_are_not_compared(n_before: int, n_now: int):
    rng = np.random.default_rng(1)
    pad = np.full(50, np.nan)
    found = of_two(np.append(rng.random(n_before), pad), np.append(rng.random(n_now), pad))
    assert [found[name] for name in ("mean_shift", "psi", "ks", "p_value")] == [None] * 4
    assert (found["values"], found["reference_values"]) == (n_now, n_before)
    assert found["missing_share"] == pytest.approx(50 / (n_now + 50))


def test_the_first_year_has_no_reference_and_a_month_without_rows_no_row():
    rows = panel(years=(2020,))
    found = drift(rows, ["noise"], [month_number(date(2020, 2, 1)), JANUARY])
    assert found["month"].to_list() == [date(2020, 2, 1)]
    assert found.select("reference_values", "psi", "reference_missing_share").row(0) == (0, None, None)


def test_what_did_not_vary_before_has_no_shift_but_a_distance():
    found = of_two(np.full(100, 0.1), np.full(100, 0.2))
    assert found["mean_shift"] is None
    assert found["ks"] == 1.0


def test_reference_figures_are_those_of_its_values():
    values = np.array([[3.0, np.nan, 1.0, 2.0], [np.nan] * 4], dtype=np.float32)
    with np.errstate(invalid="ignore"):
        found = Reference.of(values)
    assert found.counts.tolist() == [3, 0]
    assert found.values[0].tolist() == [1.0, 2.0, 3.0]
    assert found.means[0] == 2.0
    assert found.deviations[0] == pytest.approx(np.std([1.0, 2.0, 3.0]))
    assert found.missing.tolist() == [0.25, 1.0]


@pytest.mark.parametrize("names", [5, 500, 7_000, 100_000])
def test_so_many_columns_and_years_are_read_at_once_as_memory_bears(names: int):
    features, years = [f"f{number}" for number in range(95)], range(2010, 2015)
    rows = dict.fromkeys(range(2009, 2015), names * 252)
    read = [(name, year) for columns, batch in _portions(features, rows, years) for name in columns for year in batch]
    assert sorted(read) == sorted((name, year) for name in features for year in years)
    for columns, batch in _portions(features, rows, years):
        assert len(columns) * sum(rows[year] for year in [batch[0] - 1, *batch]) <= 60_000_000
    if names == 5:
        assert len(list(_portions(features, rows, years))) == 1


def test_years_without_rows_are_not_read():
    assert list(_portions(["a"], {}, range(2010, 2012))) == []
    assert list(_portions(["a"], {2011: 10}, range(2010, 2013))) == [(["a"], [2011])]


# --- pictures


def png_size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_heat_map_shows_the_features_that_moved_most_and_is_the_same_bytes_again():
    found = drift(panel(), ["noise", "moved", "holes"], range(JANUARY, JANUARY + 12))
    assert worst_features(found)[0] == "moved"
    many = pl.concat([found.with_columns(feature=pl.format("{}_{}", "feature", pl.lit(n))) for n in range(25)])
    assert len(worst_features(many)) == MOST_FEATURES
    few = psi_heat_map(found)
    assert psi_heat_map(found) == few
    assert png_size(psi_heat_map(many))[1] > png_size(few)[1]


def test_distributions_are_drawn_for_each_pair():
    rng = np.random.default_rng(2)
    pair = ("$x_1$", pl.Series(rng.random(100)), pl.Series([None, 0.5, float("nan")]))
    one = distributions([pair])
    assert distributions([pair]) == one
    assert png_size(distributions([pair] * 3))[1] > png_size(one)[1]
