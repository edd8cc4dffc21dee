"""Tables of the backtest: orders, fills, positions and P&L of every book."""

import datetime as dt

import polars as pl

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa

_CURRENCY, _SHARES, _PRICE, _SHARE_OF_EQUITY = "currency", "shares", "currency per share", "fraction of equity"
_TOLERANCE = 1e-6


class BacktestOrders(pa.DataFrameModel):
    """Orders as decided after the close of the session, to be executed at the next session's open."""

    book: str = column("name of the book")
    date: dt.date = column("session after whose close the order is decided")
    symbol: str = column("ticker")
    order_id: str = column("hash of book, session, symbol and side")
    side: str = column("buy or sell", isin=["buy", "sell"])
    quantity: float = column("shares to trade", unit=_SHARES, gt=0)
    reference_price: float = column("close at which it was planned", unit=_PRICE, gt=0)


class BacktestFills(pa.DataFrameModel):
    """What was executed in the session, at what price and cost."""

    book: str = column("name of the book")
    date: dt.date = column("session of execution")
    symbol: str = column("ticker")
    order_id: str = column("order that it fills; null where none was given", nullable=True)
    side: str = column("buy or sell", isin=["buy", "sell"])
    quantity: float = column("shares traded", unit=_SHARES, gt=0)
    price: float = column(
        "price paid or received, with half the spread and impact; 0 for a delisting that left nothing",
        unit=_PRICE,
        ge=0,
    )
    commission: float = column("commission", unit=_CURRENCY, ge=0)
    slippage_cost: float = column("cost against the open", unit=_CURRENCY, ge=0)
    reason: str = column("why it traded", isin=["rebalance", "delisting", "cash_in_lieu"])


class HeldPositions(pa.DataFrameModel):
    """What every account of positions says: of the backtest, and of live trading."""

    book: str = column("name of the book")
    date: dt.date = column("session")
    symbol: str = column("ticker")
    quantity: float = column("shares; negative is short", unit=_SHARES)
    average_price: float = column("average price paid, without commission", unit=_PRICE)
    price: float = column("last known close", unit=_PRICE, gt=0)
    market_value: float = column("quantity x price", unit=_CURRENCY)
    unrealised_pnl: float = column("quantity x (price - average price)", unit=_CURRENCY)


class BacktestPositions(HeldPositions):
    """What each book holds after the close of the session."""

    is_stale: pl.Boolean = column("whether the session had no close and an earlier one marks the position")


class AccountValue(pa.DataFrameModel):
    """What every account of equity says: of the backtest, and of live trading."""

    book: str = column("name of the book")
    date: dt.date = column("session")
    equity: float = column("cash + long value + short value", unit=_CURRENCY)
    cash: float = column("cash", unit=_CURRENCY)
    long_value: float = column("market value of long positions", unit=_CURRENCY, ge=0)
    short_value: float = column("market value of short positions", unit=_CURRENCY, le=0)
    gross_exposure: float = column("sum of absolute market values", unit=_SHARE_OF_EQUITY, ge=0)
    net_exposure: float = column("sum of market values", unit=_SHARE_OF_EQUITY)

    @pa.dataframe_check(name="equity is not cash plus positions")
    def equity_is_complete(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - pandera passes the class
        """Equity is the sum of its parts, to a millionth."""
        gap = (pl.col("equity") - pl.col("cash") - pl.col("long_value") - pl.col("short_value")).abs()
        return data.lazyframe.select(gap <= _TOLERANCE * (1 + pl.col("equity").abs()))


class BacktestPnl(AccountValue):
    """Equity of each book after the close of the session, and what changed it."""

    price_pnl: float = column("P&L of the session's prices", unit=_CURRENCY)
    realised_pnl: float = column("closed shares x (fill - average price)", unit=_CURRENCY)
    unrealised_pnl: float = column("sum of the positions' unrealised P&L", unit=_CURRENCY)
    unrealised_pnl_change: float = column("its change since the session before", unit=_CURRENCY)
    dividends: float = column("received less paid", unit=_CURRENCY)
    commission: float = column("commission paid", unit=_CURRENCY, ge=0)
    slippage_cost: float = column("slippage paid", unit=_CURRENCY, ge=0)
    daily_return: float = column("change of equity since the session before", unit="fraction")
    turnover: float = column("value traded over the equity before", unit=_SHARE_OF_EQUITY, ge=0)
    drawdown: float = column("equity over its running maximum - 1", unit="fraction", le=0)


_BY_SYMBOL = ("book", "date", "symbol")
ORDERS = Contract(BacktestOrders, "backtest.orders", key=_BY_SYMBOL, time="date")
FILLS = Contract(BacktestFills, "backtest.fills", key=(*_BY_SYMBOL, "reason"), time="date")
POSITIONS = Contract(BacktestPositions, "backtest.positions", key=_BY_SYMBOL, time="date")
PNL = Contract(BacktestPnl, "backtest.pnl", key=("book", "date"), time="date")
CONTRACTS = (ORDERS, FILLS, POSITIONS, PNL)
