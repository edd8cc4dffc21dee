"""A book that is replayed at the broker ends each session where the backtest does; `make prove` replays sixty."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest.simulate import simulate
from trading_assets.desk.calendar import sessions
from trading_assets.market_data.sources.simulated import SimulatedSource, SimulationParameters
from trading_assets_tests.desks import Bench
from trading_assets_tests.live._live_bench import EXCHANGE, Trader, open_market, traders

pytestmark = pytest.mark.slow

FIRST, LAST = date(2021, 1, 4), date(2021, 6, 30)
# In the twelve a name is delisted, two are split and four pay a dividend.
TWELVE = sessions(EXCHANGE, date(2021, 2, 8), LAST)[:12]
SIXTY = sessions(EXCHANGE, date(2021, 2, 1), LAST)[:60]
NAMES = 20
CENT = 0.01


class Replayed(NamedTuple):
    """A book after its replay, and the market as the backtest reads it."""

    trader: Trader
    days: list[date]
    weights: pl.DataFrame
    bars: pl.DataFrame
    actions: pl.DataFrame
    symbols: pl.DataFrame


@pytest.fixture(scope="module")
def bench(without_coverage, postgres, tmp_path_factory) -> Iterator[Bench]:
    """Twenty names with splits, dividends, sessions without a bar, and delistings."""
    parameters = SimulationParameters(
        n_symbols=NAMES, start=FIRST, end=LAST, seed=11, listing_rate=0.0,
        split_rate=1.0, dividend_rate=1.0, gap_rate=0.02, delisting_rate=0.6,
    )  # fmt: skip
    with open_market(postgres, tmp_path_factory.mktemp("desk"), SimulatedSource(parameters), FIRST, LAST) as opened:
        yield opened


@pytest.fixture(
    scope="module", params=[TWELVE, pytest.param(SIXTY, marks=pytest.mark.prove)], ids=lambda days: str(len(days))
)
def replayed(request, bench, tmp_path_factory) -> Iterator[Replayed]:
    """Trade all sessions, one after the other, through the jobs that a schedule runs."""
    days = request.param
    with traders(bench, tmp_path_factory.mktemp("books")) as make:
        trader = make(first=days[0])
        symbols = bench.read("market_data.symbols").sort("symbol")
        first = bench.read("market_data.bars_daily").filter(pl.col("date") == days[0])
        weights = long_only(trader.name, days, symbols, set(first["symbol"]))
        took = []
        for day in days:
            started = time.perf_counter()
            rows = weights.filter(pl.col("date") == day)
            trader.want(day, dict(rows.select("symbol", "weight").iter_rows()), rebalances=rows["is_rebalance"][0])
            trader.close(day)
            trader.trade(day)
            took.append(time.perf_counter() - started)
        print(f"\n{len(days)} sessions: {np.mean(took):.2f} s each, {np.median(took):.2f} s the median")  # noqa: T201
        bars, actions = bench.read("market_data.bars_daily"), bench.read("market_data.corporate_actions")
        yield Replayed(trader, days, weights, bars, actions, symbols)


def long_only(book: str, days: list[date], symbols: pl.DataFrame, known: set[str]) -> pl.DataFrame:
    """Weights that are drawn again after every second session, of names that are listed.

    The first ones are of names with a bar on that day: a backtest that starts then knows no other price.
    """
    rng = np.random.default_rng(5)
    rows = []
    for number, day in enumerate(days):
        if number % 2 == 0:
            drawn = rng.dirichlet(np.ones(symbols.height)) * (rng.random(symbols.height) < 0.7)
        for weight, name, gone in zip(drawn.tolist(), symbols["symbol"], symbols["delisted_on"], strict=True):
            listed = (gone is None or gone > day) and (number > 1 or name in known)
            rows.append((book, day, name, weight if listed else 0.0, number % 2 == 0))
    names = ("book", "date", "symbol", "weight", "is_rebalance")
    return pl.DataFrame(rows, schema=names, orient="row")


def test_the_market_has_all_that_makes_accounts_differ(replayed):
    within = replayed.actions.filter(pl.col("ex_date").is_between(replayed.days[0], replayed.days[-1]))
    held = replayed.trader.rows("positions").select("symbol", ex_date="date")
    kinds = within.join(held, on=["symbol", "ex_date"], how="semi")["kind"]
    assert {"split", "dividend"} <= set(kinds)
    gone = replayed.symbols.filter(pl.col("delisted_on").is_between(replayed.days[1], replayed.days[-1]))["symbol"]
    assert set(gone) & set(held["symbol"])
    assert "MA" in replayed.trader.rows("activities")["kind"].to_list()


def test_every_session_ends_with_the_equity_of_the_backtest_to_a_cent(replayed):
    trader = replayed.trader
    expected = simulate(
        trader.book, replayed.bars, replayed.actions, replayed.weights, symbols=replayed.symbols, sessions=replayed.days
    )
    both = trader.rows("pnl").join(expected.pnl, on="date", suffix="_expected")
    assert both["date"].to_list() == replayed.days
    assert (both["equity"] - both["equity_expected"]).abs().max() < CENT
    assert (both["cash"] - both["cash_expected"]).abs().max() < CENT
    held, wanted = (
        frame.filter(pl.col("date") == replayed.days[-1], pl.col("quantity") != 0)
        .sort("symbol")
        .select("symbol", "quantity")
        for frame in (trader.rows("positions"), expected.positions)
    )
    assert held.equals(wanted)


def test_no_session_loses_parity_and_no_order_differs(replayed):
    parity = replayed.trader.rows("parity")
    assert parity["date"].to_list() == replayed.days[1:]
    assert parity["is_within"].all()
    assert parity["orders"].sum() > len(replayed.days) * NAMES / 12
    assert parity.select("orders_differing", "fills_differing").sum().row(0) == (0, 0)


def test_the_broker_agrees_with_the_books_after_every_session(replayed):
    pnl, positions = replayed.trader.rows("pnl"), replayed.trader.rows("positions")
    assert (pnl["cash"] - pnl["broker_cash"]).abs().max() < CENT
    assert positions["quantity"].equals(positions["broker_quantity"], check_names=False)
