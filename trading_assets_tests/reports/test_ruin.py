"""A book that loses more than it has: one total return and one drawdown in the ledger, the statistics and the page."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest.simulate import simulate
from trading_assets.desk.calendar import sessions
from trading_assets.portfolio.books import load_books
from trading_assets.reports.metrics import drawdown_series, growth, monthly_returns, statistics, yearly_returns
from trading_assets.reports.plots import equity_and_drawdown
from trading_assets.reports.tear_sheet import TearSheet, tear_sheet_html, tear_sheet_json
from trading_assets_tests.execution.examples import FREE
from trading_assets_tests.reports.books import record

DAYS = sessions("XNYS", date(2015, 1, 2), date(2015, 1, 30))[:8]


def squeezed(*prices: float) -> pl.DataFrame:
    """P&L of 1,000, half of it short in a name at 10 and half long in one that rests, rebalanced on the first day."""
    quotes = {"UP": [10.0, 10.0, 10.0, *prices], "REST": [10.0] * 8}
    bars = pl.DataFrame(
        [
            {"symbol": name, "date": day, "open": price, "close": price, "volume": 10**9}
            for name, path in quotes.items()
            for day, price in zip(DAYS, path, strict=True)
        ]
    )
    weights = pl.DataFrame(
        [
            {"book": "x", "date": day, "symbol": name, "weight": weight, "is_rebalance": day == DAYS[0]}
            for name, weight in (("UP", -0.5), ("REST", 0.5))
            for day in DAYS
        ]
    )
    rules = {"sizing": "rank_long_short", "capital": 1_000.0, "max_participation": 1.0, "gross_leverage": 1.0}
    book = load_books()["main"].with_values(name="x", broker="sim", live=None, costs=FREE, **rules)
    actions = pl.DataFrame(schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64})
    names = pl.DataFrame(
        {"symbol": ["UP", "REST"], "delisted_on": [None, None]}, schema_overrides={"delisted_on": pl.Date}
    )
    return simulate(book, bars, actions, weights, symbols=names, sessions=DAYS).pnl


def costed(pnl: pl.DataFrame) -> pl.DataFrame:
    return pnl.with_columns(costs=pl.col("commission") + pl.col("slippage_cost"))


def figures(pnl: pl.DataFrame) -> dict[str, float | None]:
    return dict(statistics(pnl).select("statistic", "value").iter_rows())


def test_a_short_squeeze_has_the_total_return_and_the_drawdown_of_its_equity():
    pnl = squeezed(50.0, 50.0, 60.0, 60.0, 60.0)  # 50 shares short: 1,000 + 500 - 50 x 60
    assert pnl["equity"].to_list() == [1_000.0] * 3 + [-1_000.0] * 2 + [-1_500.0] * 3
    assert pnl["drawdown"].min() == -2.5
    own = figures(costed(pnl))
    assert (own["total_return"], own["max_drawdown"]) == (-2.5, -2.5)
    assert own["sessions"] == 8
    assert own["max_drawdown_duration"] == 5
    assert (own["cagr"], own["calmar_ratio"]) == (None, None)
    # the sessions that begin with equity earn 0, 0, 0 and -2
    assert own["worst_session"] == -2.0
    assert own["annualised_volatility"] == pytest.approx(np.sqrt(252.0))
    np.testing.assert_array_equal(drawdown_series(growth(pnl)), pnl["drawdown"])


def test_the_page_says_what_the_statistics_say_and_when_the_equity_was_lost():
    sheet = TearSheet("x", costed(squeezed(50.0, 50.0, 60.0, 60.0, 60.0)))
    content = json.loads(tear_sheet_json(sheet))
    assert content["statistics"]["total_return"]["value"] == content["statistics"]["max_drawdown"]["value"] == -2.5
    assert content["monthly_returns"] == {"2015-01": -2.5}
    assert content["ruined_on"] == str(DAYS[3])
    assert f"the equity was lost on {DAYS[3]}" in content["verdict"]["text"]
    assert not content["verdict"]["is_convincing"]
    page = tear_sheet_html(sheet)
    assert page.count(">-250.00<") == 2  # the month and the year
    assert page.count(">-2.5000<") == 2
    assert equity_and_drawdown(sheet.pnl)


def test_equity_of_exactly_zero_is_a_total_loss():
    own = figures(costed(squeezed(30.0, 30.0, 30.0, 30.0, 30.0)))
    assert (own["total_return"], own["max_drawdown"], own["cagr"]) == (-1.0, -1.0, -1.0)


def test_a_recovery_from_below_zero_is_measured_against_the_start():
    pnl = squeezed(50.0, 20.0, 10.0, 8.0, 8.0)
    # Without equity the position is left as it is: no session after the first is one of a rebalance.
    assert pnl["equity"].to_list() == [1_000.0] * 3 + [-1_000.0, 500.0, 1_000.0, 1_100.0, 1_100.0]
    own = figures(costed(pnl))
    assert own["total_return"] == pytest.approx(0.1)
    assert own["max_drawdown"] == pnl["drawdown"].min() == -2.0
    assert own["cagr"] == pytest.approx(1.1**31.5 - 1)
    assert own["best_session"] == 1.0  # from 500 to 1,000; the one from -1,000 to 500 has no return
    np.testing.assert_allclose(drawdown_series(growth(pnl)), pnl["drawdown"], atol=1e-15)


def months(*equity: float) -> pl.DataFrame:
    """P&L of sessions half a month apart, from 1,000; a session that begins without equity has a return of 0."""
    before = [1_000.0, *equity[:-1]]
    returns = [(after - old) / old if old > 0 else 0.0 for old, after in zip(before, equity, strict=True)]
    days = [date(2024, 11 + n // 2, 1 + 14 * (n % 2)) if n < 4 else date(2025, n // 2 - 1, 1 + 14 * (n % 2))
            for n in range(len(equity))]  # fmt: skip
    return record(returns).with_columns(date=pl.Series(days), equity=pl.Series(equity))


def test_a_month_that_begins_without_equity_has_no_return():
    pnl = months(900.0, -100.0, -200.0, 300.0, 330.0, 660.0)
    assert monthly_returns(pnl).rows() == [(2024, 11, -1.1), (2024, 12, None), (2025, 1, pytest.approx(1.2))]
    assert yearly_returns(pnl).rows() == [(2024, pytest.approx(-0.7)), (2025, pytest.approx(1.2))]
    sheet = TearSheet("x", pnl)
    assert json.loads(tear_sheet_json(sheet))["monthly_returns"]["2024-12"] is None
    assert tear_sheet_html(sheet)


def test_a_first_session_that_ends_below_zero():
    own = figures(months(-500.0, -500.0))
    assert (own["total_return"], own["max_drawdown"]) == (-1.5, -1.5)
    assert own["costs_of_traded"] == pytest.approx(2.0 / 500.0 * 1e4)


def test_a_first_session_that_loses_exactly_everything():
    lost = months(0.0, 0.0)
    assert (figures(lost)["total_return"], figures(lost)["max_drawdown"]) == (-1.0, -1.0)
    assert monthly_returns(lost)["monthly_return"].to_list() == [-1.0]
    later = months(0.0, 0.0, 0.0, 250.0)
    own = figures(later)  # nothing says what it began with
    assert (own["total_return"], own["max_drawdown"]) == (None, None)
    parts = later.with_columns(price_pnl=pl.Series([-990.0, 0.0, 0.0, 250.0]), dividends=0.0, commission=10.0,
                               slippage_cost=0.0)  # fmt: skip
    own = figures(parts)
    assert (own["total_return"], own["max_drawdown"]) == (-0.75, -1.0)


def test_a_book_with_equity_has_the_figures_of_compounded_returns():
    pnl = record([0.10, -0.10, 0.0, 0.20])
    np.testing.assert_array_equal(growth(pnl), np.cumprod(1.0 + pnl["daily_return"].to_numpy()))
    assert figures(pnl)["total_return"] == float(np.prod(1.0 + pnl["daily_return"].to_numpy())) - 1.0
