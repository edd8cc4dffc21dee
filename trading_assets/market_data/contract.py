"""Tables of market data: who is listed, raw bars, corporate actions."""

import datetime as dt

import polars as pl

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.pandera_polars import pa


class Symbols(pa.DataFrameModel):
    """Every name of the universe with the span in which the source has bars of it."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    name: str = column("name of the company or fund", nullable=True)
    exchange: str = column("calendar code of the exchange, for instance XNYS")
    currency: str = column("currency of the prices, ISO 4217")
    first_session: dt.date = column("session of the first bar")
    last_session: dt.date = column("session of the last bar known")
    delisted_on: dt.date = column("first session on which it no longer trades; null while listed", nullable=True)
    source: str = column("name of the source")


class BarsDaily(pa.DataFrameModel):
    """Raw daily bars: what traded, in the shares of that day, adjusted for nothing."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    date: dt.date = column("session")
    open: float = column("first price", unit="currency per share", gt=0)
    high: float = column("highest price", unit="currency per share", gt=0)
    low: float = column("lowest price", unit="currency per share", gt=0)
    close: float = column("last price", unit="currency per share", gt=0)
    volume: pl.Int64 = column("shares traded", unit="shares", ge=0)
    source: str = column("name of the source")

    @pa.dataframe_check(name="high is below open, close or low")
    def high_is_highest(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - pandera passes the class
        """No other price of the bar is above its high."""
        return data.lazyframe.select(pl.col("high") >= pl.max_horizontal("open", "close", "low"))

    @pa.dataframe_check(name="low is above open, close or high")
    def low_is_lowest(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        """No other price of the bar is below its low."""
        return data.lazyframe.select(pl.col("low") <= pl.min_horizontal("open", "close", "high"))


class CorporateActions(pa.DataFrameModel):
    """Splits and cash dividends with the moment each became known."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    ex_date: dt.date = column("first session that trades without the right")
    kind: str = column("split or dividend", isin=["split", "dividend"])
    value: float = column("split: new shares per old share; dividend: cash per share", gt=0)
    known_at: pl.Datetime("us", "UTC") = column("moment from which a decision may use it", unit="UTC")  # type: ignore[valid-type]
    source: str = column("name of the source")


SYMBOLS = Contract(Symbols, "market_data.symbols", key=("symbol",), quarantine_limit=0.01)
BARS_DAILY = Contract(BarsDaily, "market_data.bars_daily", key=("symbol", "date"), time="date", quarantine_limit=0.01)
CORPORATE_ACTIONS = Contract(
    CorporateActions, "market_data.corporate_actions", key=("symbol", "ex_date", "kind"), time="ex_date"
)
CONTRACTS = (SYMBOLS, BARS_DAILY, CORPORATE_ACTIONS)
