"""The ledger of a book of 100 names over ten years, rebalanced weekly with costs, beside vectorbt on the same orders.

vectorbt fills the same target weights at the same opens; it has no lots, participation limits or impact, and no splits,
dividends or delistings. It is not a dependency: ``pip install vectorbt`` before the run.
"""

from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import panels
from benchmarks.measure import Comparison, SkippedError, Timing, repeat
from trading_assets.execution.roles import Trade
from trading_assets.portfolio.books import Book, load_books

_N_SYMBOLS, _N_SESSIONS, _HELD, _EVERY = 100, 2520, 40, 5
_REPETITIONS = 5


def _weights() -> np.ndarray:
    """Weights decided after the close of every fifth session, NaN in between; shape (sessions, symbols)."""
    random = np.random.default_rng(11)
    weights = np.full((_N_SESSIONS, _N_SYMBOLS), np.nan)
    for session in range(0, _N_SESSIONS, _EVERY):
        weights[session] = 0.0
        weights[session, random.choice(_N_SYMBOLS, _HELD, replace=False)] = 0.98 / _HELD
    return weights


def _book() -> Book:
    return load_books()["main"]


def replay(folder: Path) -> Timing:
    """From frames of bars and weights to frames of orders, fills, positions and P&L."""
    del folder
    from trading_assets.backtest.simulate import simulate

    book, bars, days = _book(), panels.bars(_N_SYMBOLS, _N_SESSIONS), panels.sessions(_N_SESSIONS)
    decided = _weights()
    held = pl.DataFrame({"w": decided.ravel()}).select(pl.col("w").fill_nan(None)).to_series()
    weights = (
        panels.keys(_N_SYMBOLS, _N_SESSIONS)
        .sort("date", "symbol")
        .with_columns(book=pl.lit(book.name), weight=held, is_rebalance=pl.Series(np.isfinite(decided).ravel()))
        .with_columns(pl.col("weight").forward_fill().over("symbol"))
    )
    symbols = weights.select("symbol").unique().with_columns(delisted_on=pl.lit(None, dtype=pl.Date))
    schema = {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}
    actions = pl.DataFrame(schema=schema)
    return repeat(
        lambda: simulate(book, bars, actions, weights, symbols=symbols, sessions=days),
        _REPETITIONS,
        rows=bars.height,
        warm=True,
    )


def vectorbt(folder: Path) -> Timing:
    """From dense arrays to order records and a series of values."""
    del folder
    try:
        import vectorbt as vbt
    except ImportError as error:
        msg = f"vectorbt cannot be imported ({error})"
        raise SkippedError(msg) from None

    costs = _book().costs
    bars = panels.bars(_N_SYMBOLS, _N_SESSIONS).to_pandas()
    prices = {name: bars.pivot_table(index="date", columns="symbol", values=name) for name in ("open", "close")}
    decided = _weights()
    executed = np.vstack([np.full((1, _N_SYMBOLS), np.nan), decided[:-1]])

    def run() -> None:
        portfolio = vbt.Portfolio.from_orders(
            prices["close"],
            size=executed,
            size_type="targetpercent",
            price=prices["open"],
            val_price=prices["close"].shift(1).bfill(),
            fees=costs.commission.parameters().commission(Trade(1.0, 1.0, 1.0)),
            slippage=costs.slippage.half_spread(1.0),
            init_cash=_book().capital,
            cash_sharing=True,
            group_by=True,
            call_seq="auto",
            freq="1D",
        )
        portfolio.value()
        _ = portfolio.orders.records_readable

    return repeat(run, _REPETITIONS, rows=len(bars), warm=True)


COMPARISONS = (Comparison("ledger", replay, "vectorbt", vectorbt),)
