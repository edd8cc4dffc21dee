"""Replay of a book: from bars, corporate actions and target weights to orders, fills, positions and P&L."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import polars as pl

from trading_assets.backtest.contract import CONTRACTS
from trading_assets.backtest.frames import OUTCOMES, fills_frame, orders_frames, pnl_frame, positions_frame
from trading_assets.backtest.ledger import continue_ledger, run_ledger
from trading_assets.backtest.panel import (
    WEIGHT_COLUMNS,
    Axes,
    LedgerInputError,
    check_prices,
    dense_market,
    dense_targets,
)
from trading_assets.execution.accounting import Account, open_account
from trading_assets.portfolio.books import Book


class OpeningBalance(NamedTuple):
    """A book that does not start with cash alone: how it stands after the close of its first session.

    Attributes
    ----------
    cash : float
        In currency.
    positions : polars.DataFrame
        `symbol, quantity, average_price, price`: signed shares, and the last known close of each.
    """

    cash: float
    positions: pl.DataFrame


class BacktestResult(NamedTuple):
    """What a book did and earned. Money is in the currency of the book, quantities are shares of their session.

    Attributes
    ----------
    orders : polars.DataFrame
        `book, date, symbol, order_id, side, quantity, reference_price`, one row per book, date and symbol. `date` is
        the session after whose close the order is decided and `reference_price` that close; `side` is "buy" or "sell"
        and `quantity` above 0.
    fills : polars.DataFrame
        `book, date, symbol, order_id, side, quantity, price, commission, slippage_cost, reason`, one row per book,
        date, symbol and reason. `date` is the session of execution; `price` is the raw open with half of the spread and
        the impact, `slippage_cost` their amount (at least 0). `reason` is "rebalance"; "delisting", closed at the last
        close times 1 + delisting return; or "cash_in_lieu" of a fraction of a share. The last two have no order:
        `order_id` is null.
    positions : polars.DataFrame
        `book, date, symbol, quantity, average_price, price, market_value, unrealised_pnl, is_stale`, one row per
        book, date and symbol held after the close. `quantity` is negative for short and never 0; `average_price`
        contains spread and impact but no commission; `price` is the last known close, of an earlier session where
        `is_stale`.
    pnl : polars.DataFrame
        One row per book and date. Levels at the close: `equity`, `cash`, `long_value` (at least 0), `short_value` (at
        most 0), `unrealised_pnl` (shares x (price - average price)). Of the session: `price_pnl` (at raw opens and
        closes), `realised_pnl` (closed shares x (price of the fill - average price)), `unrealised_pnl_change`,
        `dividends` (received less paid), `commission` and `slippage_cost` (at least 0). Fractions: `gross_exposure`
        and `net_exposure` (absolute and signed market value of equity), `daily_return` (of the equity before),
        `turnover` (value bought plus sold on orders, at opens, of the equity before), `drawdown` (equity over its
        running maximum, the capital included, less 1: at most 0). A fraction of an equity that is not positive is 0.

        The change of equity is price_pnl + dividends - commission - slippage_cost, and also realised_pnl +
        unrealised_pnl_change + dividends - commission, whose prices contain the slippage.
    outcomes : polars.DataFrame
        `date, order_id, status`, one row per order: its outcome at the next open, "filled", "partially_filled",
        "cancelled", or "pending" while that is to come. It is not a table of the lake.
    """

    orders: pl.DataFrame
    fills: pl.DataFrame
    positions: pl.DataFrame
    pnl: pl.DataFrame
    outcomes: pl.DataFrame

    @property
    def tables(self) -> tuple[pl.DataFrame, ...]:
        """Rows of the lake's tables, in the order of `trading_assets.backtest.contract.CONTRACTS`."""
        return self[: len(CONTRACTS)]


def simulate(
    book: Book,
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    target_weights: pl.DataFrame,
    *,
    symbols: pl.DataFrame,
    sessions: Sequence[date],
    opening: OpeningBalance | None = None,
) -> BacktestResult:
    """Replay a book from its start through the last of the sessions.

    The book starts with its capital in cash on `book.start` or, without one, the first session with target weights.
    Orders are decided after the close of a rebalance session and trade at the next open or not at all. What it writes
    for a session is a function of the data up to that session, bit for bit; the status of an order becomes known one
    session later (`known_at_close` undoes that).

    Parameters
    ----------
    book : Book
        Capital, start, lots, participation and execution models.
    bars : polars.DataFrame
        `symbol, date, open, close, volume`: raw daily bars of the symbols with weights.
    actions : polars.DataFrame
        `symbol, ex_date, kind, value`: splits (new shares per old share) and dividends (cash per share).
    target_weights : polars.DataFrame
        `book, date, symbol, weight, is_rebalance`, for every session from the first with weights on; rows of other
        books and of later dates are left out.
    symbols : polars.DataFrame
        `symbol, delisted_on`, and `delisting_return` where it is known; see `with_delisting_returns`.
    sessions : sequence of datetime.date
        Every session of the exchange from the book's start on, ascending.
    opening : OpeningBalance, optional
        The book after the close of the first session, whose corporate actions have been applied; cash alone by default.

    Returns
    -------
    BacktestResult
        Frames sorted by date and symbol; without rows when the book has not started.

    Raises
    ------
    LedgerInputError
        An input is missing or contradicts another; the message names book, symbol, session and remedy.
    """
    try:
        axes, weights = _scope(book, target_weights, list(sessions))
        if axes is None:
            return BacktestResult._make([*(contract.empty() for contract in CONTRACTS), pl.DataFrame(schema=OUTCOMES)])
        if opening is not None:
            held = {*axes.symbols["symbol"], *opening.positions["symbol"]}
            axes = Axes(axes.sessions["date"].to_list(), sorted(held))
            actions = actions.filter(pl.col("ex_date") > sessions[0])
        market = dense_market(bars, actions, axes)
        targets = dense_targets(weights, symbols, axes)
        check_prices(market, targets, axes)
        _check_leverage(book, weights)
    except LedgerInputError as error:
        raise LedgerInputError(f"book {book.name!r}: {error}") from error
    rules = book.costs.rules(book.lot_size, book.max_participation)
    if opening is None:
        records = run_ledger(market, targets, book.capital, rules)
    else:
        records = continue_ledger(market, targets, _account(opening, axes), rules)
    orders, outcomes = orders_frames(book, records, axes)
    return BacktestResult(
        orders=orders,
        fills=fills_frame(book, records, axes),
        positions=positions_frame(book, records, axes),
        pnl=pnl_frame(book, records, axes),
        outcomes=outcomes,
    )


def _account(opening: OpeningBalance, axes: Axes) -> Account:
    account = open_account(opening.cash, axes.shape[1])
    column_of = {symbol: number for number, symbol in enumerate(axes.symbols["symbol"])}
    for symbol, quantity, average, price in opening.positions.select(
        "symbol", "quantity", "average_price", "price"
    ).iter_rows():
        column = column_of[symbol]
        account.quantity[column], account.average[column], account.mark[column] = quantity, average, price
    return account


def known_at_close(result: BacktestResult, session: date) -> BacktestResult:
    """Cut a result to what was known after the close of a session.

    Parameters
    ----------
    result : BacktestResult
        A replay through `session` or beyond.
    session : datetime.date
        Last session to keep.

    Returns
    -------
    BacktestResult
        The rows up to `session`, with the orders decided in it pending: equal to a replay that ends there.
    """
    *tables, outcomes = (frame.filter(pl.col("date") <= session) for frame in result)
    pending = pl.when(pl.col("date") == session).then(pl.lit("pending")).otherwise("status")
    return BacktestResult._make([*tables, outcomes.with_columns(status=pending)])


def _scope(book: Book, target_weights: pl.DataFrame, sessions: list[date]) -> tuple[Axes | None, pl.DataFrame]:
    """Sessions and symbols of the replay, None before the book's start, and the weights within."""
    missing = [column for column in ("book", *WEIGHT_COLUMNS) if column not in target_weights.columns]
    if missing:
        raise LedgerInputError(f"portfolio.target_weights lacks the columns {', '.join(missing)}")
    if sessions != sorted(set(sessions)):
        raise LedgerInputError("sessions must ascend without repetition; pass the exchange's sessions in order")
    if not sessions:
        return None, target_weights
    weights = target_weights.filter((pl.col("book") == book.name) & (pl.col("date") <= sessions[-1]))
    if book.start is not None:
        weights = weights.filter(pl.col("date") >= book.start)
    starts = [book.start] if book.start else weights["date"].unique().sort().to_list()[:1]
    replayed = [session for session in sessions if starts and session >= starts[0]]
    if not replayed:
        return None, weights
    return Axes(replayed, weights["symbol"].unique().drop_nulls().to_list()), weights


def _check_leverage(book: Book, weights: pl.DataFrame) -> None:
    gross = weights.group_by("date").agg(gross=pl.col("weight").abs().sum()).sort("date")
    above = gross.filter(pl.col("gross") > book.gross_leverage + 1e-9)
    if not above.is_empty():
        day, value = above.row(0)
        raise LedgerInputError(
            f"absolute target weights sum to {value:.6g} on {day}, above gross_leverage {book.gross_leverage:g}; "
            "rebuild portfolio.target_weights with the settings of the book"
        )
