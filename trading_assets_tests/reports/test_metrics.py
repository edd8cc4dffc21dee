import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trading_assets.reports.metrics import (
    drawdown_series,
    information_coefficient,
    max_drawdown,
    monthly_information_coefficient,
    monthly_returns,
    newey_west_t,
    probabilistic_sharpe_ratio,
    statistics,
    verdict,
)
from trading_assets_tests.models.panels import panel
from trading_assets_tests.reports.books import ic_record, noise, record

HAND = [0.10, -0.10, 0.0, 0.20]


def figures(pnl, ic=None, **options) -> dict[str, float | None]:
    return dict(statistics(pnl, ic, **options).select("statistic", "value").iter_rows())


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("sessions", 4.0),
        # 1.1 x 0.9 x 1 x 1.2 - 1
        ("total_return", 0.188),
        ("cagr", 1.188**63 - 1),
        # the mean is 0.05, the squared deviations sum to 0.05
        ("annualised_volatility", math.sqrt(0.05 / 3 * 252)),
        ("sharpe_ratio", 0.05 / math.sqrt(0.05 / 3) * math.sqrt(252)),
        # the same with population variance
        ("sharpe_t_statistic", 0.05 / math.sqrt(0.05 / 16)),
        # the downside deviation is 0.05, as large as the mean
        ("sortino_ratio", math.sqrt(252)),
        ("max_drawdown", -0.1),
        # below the peak on sessions 2 and 3
        ("max_drawdown_duration", 2.0),
        ("calmar_ratio", (1.188**63 - 1) / 0.1),
        # two of the three sessions that moved
        ("hit_rate", 2 / 3),
        ("best_session", 0.2),
        ("worst_session", -0.1),
        # the 5 % quantile lies 0.15 of the way from -0.1 to 0
        ("value_at_risk_95", 0.085),
        ("expected_shortfall_95", 0.1),
        ("mean_turnover", 0.5),
        ("annualised_turnover", 126.0),
        ("total_costs", 4.0),
        # equity before each session: 1000, 1100, 990, 990; half of it traded
        ("costs_of_traded", 4.0 / 2040.0 * 1e4),
        ("costs_of_equity", 4.0 / 1020.0 * 63 * 1e4),
        ("mean_gross_exposure", 0.9),
    ],
)
def test_statistic_of_four_sessions_worked_by_hand(statistic, value):
    assert figures(record(HAND))[statistic] == pytest.approx(value, rel=1e-12)


def test_moments_agree_with_scipy():
    returns = noise(seed=9)["daily_return"].to_numpy()
    own = figures(noise(seed=9))
    assert own["skewness"] == pytest.approx(stats.skew(returns), rel=1e-10)
    assert own["kurtosis"] == pytest.approx(stats.kurtosis(returns, fisher=False), rel=1e-10)


def test_a_record_without_variation_has_no_ratios():
    own = figures(record([0.0, 0.0, 0.0]))
    undefined = {name for name, value in own.items() if value is None}
    assert undefined >= {"sharpe_ratio", "sortino_ratio", "calmar_ratio", "hit_rate", "skewness", "kurtosis"}
    assert own["total_return"] == 0.0
    constant = figures(record([0.001] * 30))
    assert constant["sharpe_ratio"] is None
    assert constant["probabilistic_sharpe_ratio"] is None


def test_a_single_session_has_a_return_but_no_deviation():
    own = figures(record([0.01]))
    assert own["total_return"] == pytest.approx(0.01)
    assert own["annualised_volatility"] is None


def test_row_order_does_not_matter():
    pnl = noise()
    assert statistics(pnl).equals(statistics(pnl.reverse()))


def test_figures_of_the_information_coefficient_are_added_for_a_book_with_predictions():
    pnl = record(HAND)
    ic = pnl.select("date").with_columns(pl.Series("rank_ic", [0.1, -0.1, 0.2, 0.2]))
    own = figures(pnl, ic, horizon=1)
    assert own["rank_ic_mean"] == pytest.approx(0.1)
    assert own["rank_ic_deviation"] == pytest.approx(math.sqrt(0.06 / 3))
    assert own["rank_ic_positive"] == 0.75
    assert "rank_ic_mean" not in figures(pnl)


@pytest.mark.parametrize(
    ("pnl", "message"),
    [
        (record([]), "no sessions"),
        (pl.concat([record(HAND), record(HAND).with_columns(book=pl.lit("other"))]), r"\['demo', 'other'\]"),
        (pl.concat([record(HAND), record(HAND)]), "2024-01-01 more than once"),
        (record([0.1, float("nan")]), "2024-01-02"),
        (record(HAND).with_columns(daily_return=pl.lit(None, dtype=pl.Float64)), "2024-01-01"),
    ],
)
def test_a_broken_record_is_refused_with_its_reason(pnl, message):
    with pytest.raises(ValueError, match=message):
        statistics(pnl)


def test_drawdown_counts_the_start_as_a_peak_and_lasts_until_recovery():
    # 0.9, 0.99, 1.089 (new peak), 0.5445, 1.089 (recovered), 1.0781
    returns = np.array([-0.1, 0.1, 0.1, -0.5, 1.0, -0.01])
    np.testing.assert_allclose(
        drawdown_series(np.cumprod(1 + returns)), [-0.1, -0.01, 0.0, -0.5, 0.0, -0.01], atol=1e-12
    )
    found = max_drawdown(np.cumprod(1 + returns))
    assert (found.depth, found.duration) == (pytest.approx(-0.5), 2)
    assert max_drawdown(np.cumprod([1.1, 1.0, 1.2])).duration == 0
    assert max_drawdown(np.cumprod([0.9, 1.0, 1.01])).duration == 3


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=80))
def test_drawdown_is_between_a_total_loss_and_zero(returns):
    falls = drawdown_series(np.cumprod(1 + np.array(returns)))
    assert np.all((falls <= 0) & (falls >= -1))


def test_monthly_returns_compound_to_the_total():
    pnl = noise(300)
    months = monthly_returns(pnl)
    assert (1 + months["monthly_return"]).product() - 1 == pytest.approx(figures(pnl)["total_return"], rel=1e-10)
    first = pnl.filter((pl.col("date").dt.year() == 2020) & (pl.col("date").dt.month() == 2))["daily_return"]
    assert months.filter((pl.col("year") == 2020) & (pl.col("month") == 2))["monthly_return"].item() == pytest.approx(
        np.prod(1 + first.to_numpy()) - 1
    )


def test_newey_west_agrees_with_the_formula_written_out():
    # mean 2.5; deviations -1.5 -0.5 0.5 1.5; g0 = 5/4, g1 = (0.75 - 0.25 + 0.75)/4 = 1.25/4, g2 = (-0.75 - 0.75)/4
    values = np.array([1.0, 2.0, 3.0, 4.0])
    plain = 5 / 4
    one = plain + 2 * (1 / 2) * (1.25 / 4)
    two = plain + 2 * (2 / 3) * (1.25 / 4) + 2 * (1 / 3) * (-1.5 / 4)
    for lag, variance in ((0, plain), (1, one), (2, two)):
        assert newey_west_t(values, lag=lag) == pytest.approx(2.5 / math.sqrt(variance / 4), rel=1e-12)


def test_overlapping_observations_are_not_counted_as_independent():
    rng = np.random.default_rng(3)
    single = 0.2 + rng.standard_normal(2000)
    overlapping = np.convolve(single, np.ones(5) / 5, mode="valid")
    naive, adjusted = newey_west_t(overlapping, lag=0), newey_west_t(overlapping, lag=5)
    independent = newey_west_t(single, lag=0)
    assert naive > 1.8 * independent
    assert adjusted < 1.35 * independent


def test_newey_west_of_too_little_is_undefined():
    assert math.isnan(newey_west_t(np.array([1.0]), lag=3))
    assert math.isnan(newey_west_t(np.array([2.0, 2.0]), lag=3))
    # Two observations have one lag: g0 = 1/4, g1 = -1/8, so S = 1/4 - 1/8 and t = 1.5 / sqrt(1/16).
    assert newey_west_t(np.array([1.0, 2.0]), lag=99) == pytest.approx(6.0)
    with pytest.raises(ValueError, match="negative"):
        newey_west_t(np.array([1.0, 2.0]), lag=-1)


def test_probabilistic_sharpe_ratio_agrees_with_its_formula():
    returns = noise(250, mean=0.0005)["daily_return"].to_numpy()
    ratio = returns.mean() / returns.std(ddof=1)
    skew, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    z = ratio * math.sqrt(249) / math.sqrt(1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2)
    assert probabilistic_sharpe_ratio(returns) == pytest.approx(stats.norm.cdf(z), rel=1e-12)
    assert probabilistic_sharpe_ratio(returns, benchmark=ratio) == pytest.approx(0.5)


def test_information_coefficient_is_the_rank_correlation_of_each_session():
    features, labels = panel(n_sessions=30, n_names=8, n_features=1, edge=0.5)
    predictions = features.select("symbol", "date", pl.col("f0").cast(pl.Float64).alias("prediction"))
    ic = information_coefficient(predictions, labels)
    # The last five sessions have no finished label.
    assert ic.height == 25
    day = ic["date"][7]
    x = predictions.filter(pl.col("date") == day).sort("symbol")["prediction"].to_numpy()
    y = labels.filter(pl.col("date") == day).sort("symbol")["forward_return"].to_numpy()
    assert ic["rank_ic"][7] == pytest.approx(stats.spearmanr(x, y).statistic)
    assert ic["ic"][7] == pytest.approx(stats.pearsonr(x, y).statistic)
    assert set(ic["n_names"]) == {8}


def test_sessions_without_a_cross_section_have_no_information_coefficient():
    day, other = date(2024, 1, 2), date(2024, 1, 3)
    predictions = pl.DataFrame(
        {"date": [day, day, other], "symbol": ["A", "B", "A"], "prediction": [1.0, 1.0, 2.0], "model": ["m"] * 3}
    )
    labels = pl.DataFrame({"date": [day, day, other], "symbol": ["A", "B", "A"], "forward_return": [0.1, 0.2, 0.3]})
    assert information_coefficient(predictions, labels).is_empty()
    two = pl.concat([predictions, predictions.with_columns(model=pl.lit("n"))])
    with pytest.raises(ValueError, match=r"\['m', 'n'\]"):
        information_coefficient(two, labels)


def test_information_coefficient_by_month_is_the_mean_of_its_sessions():
    ic = pl.DataFrame({"date": [date(2024, 1, 2), date(2024, 1, 31), date(2024, 2, 1)], "rank_ic": [0.1, 0.3, -0.2]})
    assert monthly_information_coefficient(ic).rows() == [
        (date(2024, 1, 1), pytest.approx(0.2), 2),
        (date(2024, 2, 1), pytest.approx(-0.2), 1),
    ]


def test_noise_is_no_evidence_of_an_edge():
    for seed in range(20):
        pnl = noise(seed=seed)
        judged = verdict(pnl["daily_return"], ic_record(pnl, seed=seed)["rank_ic"], horizon=5)
        assert not judged.is_convincing
        assert judged.text.startswith("No evidence of edge in 600 sessions")


def test_a_strong_record_with_a_strong_model_is_consistent_with_an_edge():
    pnl = noise(1000, mean=0.002)
    judged = verdict(pnl["daily_return"], ic_record(pnl, mean=0.05)["rank_ic"], horizon=5)
    assert judged.is_convincing
    assert judged.text.startswith("Consistent with an edge")
    assert "lag 5" in judged.text
    assert "every variant tried" in judged.text


def test_every_test_must_pass():
    lucky = noise(1000, mean=0.002)
    flat = noise(1000)
    assert not verdict(lucky["daily_return"], ic_record(lucky)["rank_ic"], horizon=5).is_convincing
    assert not verdict(flat["daily_return"], ic_record(flat, mean=0.05)["rank_ic"], horizon=5).is_convincing
    assert verdict(lucky["daily_return"], None, horizon=5).is_convincing


def test_overlap_alone_does_not_make_a_verdict():
    # Given a rank IC that drifts slowly, as labels of 20 sessions make it: the plain t-statistic is above 3.
    rng = np.random.default_rng(11)
    ic = pl.Series(0.02 + np.convolve(0.4 * rng.standard_normal(1019), np.ones(20) / 20, mode="valid"))
    pnl = noise(1000, mean=0.002)
    assert newey_west_t(ic.to_numpy(), lag=0) > 3
    assert not verdict(pnl["daily_return"], ic, horizon=20).is_convincing


def test_a_short_record_is_no_evidence_however_good():
    pnl = noise(59, mean=0.02)
    ic = ic_record(pnl, mean=0.5)["rank_ic"]
    judged = verdict(pnl["daily_return"], ic, horizon=1)
    assert not judged.is_convincing
    assert "59 sessions have results (below the required 60)" in judged.text
    longer = noise(150, mean=0.02)
    ic = ic_record(longer, mean=0.5)["rank_ic"]
    assert verdict(longer["daily_return"], ic, horizon=15).is_convincing
    assert not verdict(longer["daily_return"], ic, horizon=16).is_convincing


def test_a_verdict_on_too_little_says_so_without_a_number():
    judged = verdict(record([0.01])["daily_return"], pl.Series([], dtype=pl.Float64), horizon=5)
    assert not judged.is_convincing
    assert "undefined" in judged.text
    assert "nan" not in judged.text
