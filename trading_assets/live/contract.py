"""Tables of live trading: what each book sent to its broker, and the outcome."""

import datetime as dt

import polars as pl

from trading_assets.backtest.contract import AccountValue, HeldPositions
from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa

_CURRENCY, _SHARES, _PRICE, _SHARE_OF_EQUITY = "currency", "shares", "currency per share", "fraction of equity"
_TOLERANCE = 1e-6
_SIDES = ["buy", "sell"]
INTENTS = ["buy_to_close", "buy_to_open", "sell_to_close", "sell_to_open"]
_Moment = pl.Datetime("us", "UTC")

# From the intent to the order at the broker. Only "intended" and "unknown" still have to be resolved.
STATUSES = ("dry_run", "intended", "unknown", "accepted", "rejected", "blocked")


class LiveOrders(pa.DataFrameModel):
    """Orders planned after the close of the session from target weights and the positions at the broker."""

    book: str = column("name of the book")
    date: dt.date = column("session after whose close the order is decided")
    symbol: str = column("ticker")
    intent: str = column("what it does to the position; crossing zero takes two orders", isin=INTENTS)
    client_order_id: str = column("hash of book, session, symbol, intent and attempt")
    attempt: pl.Int32 = column("1, or one more for each time the broker rejected it after accepting it", ge=1)
    side: str = column("buy or sell", isin=_SIDES)
    quantity: float = column("shares to trade", unit=_SHARES, gt=0)
    reference_price: float = column("close at which it was planned", unit=_PRICE, gt=0)
    held: float = column("shares held when it was planned; negative is short", unit=_SHARES)


class Submissions(pa.DataFrameModel):
    """Every intent to send an order, committed before anything is sent, and the broker's answer."""

    book: str = column("name of the book")
    date: dt.date = column("session after whose close the order is decided")
    symbol: str = column("ticker")
    intent: str = column("what it does to the position", isin=INTENTS)
    attempt: pl.Int32 = column("attempt of the order", ge=1)
    client_order_id: str = column("identity of the order at the broker")
    side: str = column("buy or sell", isin=_SIDES)
    quantity: float = column("shares to trade", unit=_SHARES, gt=0)
    time_in_force: str = column("opg or day")
    broker: str = column("embedded, paper or live")
    status: str = column("what is known of it", isin=list(STATUSES))
    reason: str = column("why it was rejected or blocked", nullable=True)
    broker_order_id: str = column("the broker's own id", nullable=True)
    intended_at: _Moment = column("when the intent was committed")  # type: ignore[valid-type]
    answered_at: _Moment = column("when the broker had answered", nullable=True)  # type: ignore[valid-type]


class LiveFills(pa.DataFrameModel):
    """Fills that the broker reports for the session, each once."""

    book: str = column("name of the book")
    date: dt.date = column("session of execution")
    activity_id: str = column("the broker's id of the fill")
    symbol: str = column("ticker")
    client_order_id: str = column("order that it fills; null for one that this desk did not send", nullable=True)
    broker_order_id: str = column("the broker's id of the order", nullable=True)
    side: str = column("buy or sell", isin=_SIDES)
    quantity: float = column("shares traded", unit=_SHARES, gt=0)
    price: float = column("price paid or received", unit=_PRICE, gt=0)
    filled_at: _Moment = column("when it traded")  # type: ignore[valid-type]


class Activities(pa.DataFrameModel):
    """What the broker booked besides fills: fees, dividends, splits, payments in lieu, delistings."""

    book: str = column("name of the book")
    date: dt.date = column("session it belongs to")
    activity_id: str = column("the broker's id of the entry")
    kind: str = column("the broker's type: FEE, DIV, SPLIT, CIL, MA, ...")
    symbol: str = column("ticker", nullable=True)
    amount: float = column("cash received; negative is paid", unit=_CURRENCY)
    quantity: float = column("shares added; negative is removed", unit=_SHARES)
    description: str = column("the broker's own words", nullable=True)


class LivePositions(HeldPositions):
    """What each book holds after the close of the session by its own account, beside what the broker reports."""

    broker_quantity: float = column("shares that the broker reported; null if it was requested too late", nullable=True)


class LivePnl(AccountValue):
    """Equity of each book after the close of the session by its own account, and what changed it."""

    realised_pnl: float = column("closed shares x (fill - average price)", unit=_CURRENCY)
    unrealised_pnl: float = column("sum of the positions' unrealised P&L", unit=_CURRENCY)
    dividends: float = column("received less paid", unit=_CURRENCY)
    fees: float = column("commission and fees paid", unit=_CURRENCY)
    daily_return: float = column("change of equity since the session before", unit="fraction")
    turnover: float = column("value traded over the equity before", unit=_SHARE_OF_EQUITY, ge=0)
    drawdown: float = column("equity over its running maximum - 1", unit="fraction", le=0)
    is_opening: pl.Boolean = column("whether the account was taken over as it stood, at the end of this session")
    broker_cash: float = column("cash that the broker reported; null if it was requested too late", nullable=True)


class Parity(pa.DataFrameModel):
    """The session at the broker beside the same session in the backtest, from the same positions and cash."""

    book: str = column("name of the book")
    date: dt.date = column("session")
    orders: pl.Int32 = column("orders decided after the session before, live", ge=0)
    orders_expected: pl.Int32 = column("orders that the backtest decides then", ge=0)
    orders_differing: pl.Int32 = column("orders that only one of them has, or with another side or quantity", ge=0)
    fills_differing: pl.Int32 = column("names whose filled quantity differs", ge=0)
    largest_price_difference: float = column("largest difference of a fill's price", unit="fraction of it", ge=0)
    equity: float = column("equity after the close, live", unit=_CURRENCY)
    equity_expected: float = column("equity after the close in the backtest", unit=_CURRENCY)
    difference: float = column("the former less the latter", unit=_SHARE_OF_EQUITY)
    is_within: pl.Boolean = column("whether it is within the book's tolerance")


class Audit(pa.DataFrameModel):
    """Every decision about real orders: who or what stopped, released, confirmed, sent or refused, and why."""

    id: str = column("identity of the entry")
    at: _Moment = column("wall-clock time of the decision, in a replay too")  # type: ignore[valid-type]
    book: str = column("name of the book; * for all")
    date: dt.date = column("session it is about", nullable=True)
    decision: str = column("what was decided: kill, resume, adopt, confirm, send, refuse, ...")
    reason: str = column("why, in words")


_BY_SYMBOL = ("book", "date", "symbol")
ORDERS = Contract(LiveOrders, "live.orders", key=(*_BY_SYMBOL, "intent"), time="date")
SUBMISSIONS = Contract(
    Submissions,
    "live.submissions",
    key=(*_BY_SYMBOL, "intent", "attempt"),
    time="date",
    provenance=("broker_order_id", "intended_at", "answered_at"),
)
FILLS = Contract(
    LiveFills,
    "live.fills",
    key=("book", "date", "activity_id"),
    time="date",
    provenance=("activity_id", "broker_order_id", "filled_at"),
)
ACTIVITIES = Contract(
    Activities, "live.activities", key=("book", "date", "activity_id"), time="date", provenance=("activity_id",)
)
POSITIONS = Contract(LivePositions, "live.positions", key=_BY_SYMBOL, time="date")
PNL = Contract(LivePnl, "live.pnl", key=("book", "date"), time="date")
PARITY = Contract(Parity, "live.parity", key=("book", "date"), time="date")
# Appended to by commands and by the sink; it cannot be rematerialised, so it is not one of the stage's assets.
AUDIT = Contract(Audit, "live.audit", key=("id",), time="at")
CONTRACTS = (ORDERS, SUBMISSIONS, FILLS, ACTIVITIES, POSITIONS, PNL, PARITY)
