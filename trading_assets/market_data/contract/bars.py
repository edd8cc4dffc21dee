"""Tables of prices: raw bars of a session, an hour and a minute, corporate actions, latest quotes."""

import datetime as dt
from collections.abc import Mapping
from typing import Literal

import polars as pl

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.contract import DUPLICATE
from trading_assets.lake.contracts.pandera_polars import pa

Interval = Literal["1d", "1h", "1m"]
Moment = pl.Datetime("us", "UTC")


class RawBars(pa.DataFrameModel):
    """Raw bars: what traded, in the shares of that day, without any adjustment."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    date: dt.date = column("session")
    open: float = column("first price", unit="currency per share", gt=0)
    high: float = column("highest price", unit="currency per share", gt=0)
    low: float = column("lowest price", unit="currency per share", gt=0)
    close: float = column("last price", unit="currency per share", gt=0)
    volume: pl.Int64 = column("shares traded", unit="shares", ge=0)
    source: str = column("name of the source")
    feed: str = column("feed within the source, for instance iex or sip; null if it has only one", nullable=True)
    adjustment: str = column(
        "what the source had adjusted the prices for; they are stored raw nevertheless",
        nullable=True,
        isin=["none", "split"],
    )

    @pa.dataframe_check(name="high is below open, close or low")
    def high_is_highest(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - pandera passes the class
        """No other price of the bar is above its high."""
        return data.lazyframe.select(pl.col("high") >= pl.max_horizontal("open", "close", "low"))

    @pa.dataframe_check(name="low is above open, close or high")
    def low_is_lowest(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        """No other price of the bar is below its low."""
        return data.lazyframe.select(pl.col("low") <= pl.min_horizontal("open", "close", "high"))


class BarsDaily(RawBars):
    """Raw daily bars: what traded, in the shares of that day, without any adjustment."""


class BarsIntraday(RawBars):
    """Raw bars within a session, without any adjustment; a bar is known when it ends."""

    ts: Moment = column("start of the bar", unit="UTC")  # type: ignore[valid-type]


class BarsHourly(BarsIntraday):
    """Raw hourly bars, counted from the open of the session; the last one may be shorter."""


class BarsMinute(BarsIntraday):
    """Raw one-minute bars of the regular session."""


class CorporateActions(pa.DataFrameModel):
    """Splits and cash dividends with the moment when each became known."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    ex_date: dt.date = column("first session that trades without the right")
    kind: str = column("split or dividend", isin=["split", "dividend"])
    value: float = column("split: new shares per old share; dividend: cash per share", gt=0)
    known_at: Moment = column("moment from which a decision may use it", unit="UTC")  # type: ignore[valid-type]
    source: str = column("name of the source")


class Quotes(pa.DataFrameModel):
    """The latest quote of each name: best bid and ask."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    ts: Moment = column("moment of the quote", unit="UTC")  # type: ignore[valid-type]
    bid: float = column("best bid; null if there is none", unit="currency per share", nullable=True, gt=0)
    bid_size: float = column("size at the bid", unit="shares", nullable=True, ge=0)
    ask: float = column("best ask; null if there is none", unit="currency per share", nullable=True, gt=0)
    ask_size: float = column("size at the ask", unit="shares", nullable=True, ge=0)
    source: str = column("name of the source")
    feed: str = column("feed within the source", nullable=True)


# A row that no name of the desk has takes nothing from the others, however many such rows there are.
NAMELESS = ("symbol: ",)
# The beginning of the rule by which a dividend of at least the close before it is rejected: it would end the name.
TOO_LARGE = "value: the dividend"

BARS_DAILY = Contract(
    BarsDaily, "market_data.bars_daily", key=("symbol", "date"), time="date", quarantine_limit=0.01, tolerated=NAMELESS
)
BARS_HOURLY = Contract(
    BarsHourly, "market_data.bars_hourly", key=("symbol", "ts"), time="date", quarantine_limit=0.01, tolerated=NAMELESS
)
BARS_MINUTE = Contract(
    BarsMinute, "market_data.bars_minute", key=("symbol", "ts"), time="date", quarantine_limit=0.01, tolerated=NAMELESS
)
BARS: Mapping[Interval, Contract] = {"1d": BARS_DAILY, "1h": BARS_HOURLY, "1m": BARS_MINUTE}
CORPORATE_ACTIONS = Contract(
    CorporateActions,
    "market_data.corporate_actions",
    key=("symbol", "ex_date", "kind"),
    time="ex_date",
    tolerated=(*NAMELESS, TOO_LARGE, DUPLICATE),
)
QUOTES = Contract(Quotes, "market_data.quotes", key=("symbol",))
CONTRACTS = (BARS_DAILY, BARS_HOURLY, BARS_MINUTE, CORPORATE_ACTIONS, QUOTES)
