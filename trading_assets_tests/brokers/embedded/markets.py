"""Small markets in a lake, and clients of a broker over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import polars as pl
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.trading.client import TradingClient

from trading_assets.brokers.embedded.server import AccountKeys, RunningBroker
from trading_assets.desk.calendar import sessions
from trading_assets.lake import Lake, Scope
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, SYMBOLS
from trading_assets_tests.execution.examples import models

FREE, FULL = models(), models(0.005, 1.5, 1.0, 4.0, 0.05)
DAYS = sessions("XNYS", date(2024, 1, 2), date(2024, 3, 28))


def at(day: date | str, time: str = "12:00") -> datetime:
    """A moment in New York's winter, as UTC."""
    from zoneinfo import ZoneInfo

    moment = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=ZoneInfo("America/New_York"))
    return moment.astimezone(UTC)


def bar(symbol: str, day: date, prices: Sequence[float], volume: int = 1_000_000) -> dict:
    opened, high, low, closed = prices
    return {"symbol": symbol, "date": day, "open": opened, "high": high, "low": low, "close": closed,
            "volume": volume, "source": "test"}  # fmt: skip


def write_market(
    lake: Lake,
    bars: Sequence[dict],
    actions: Sequence[tuple[str, date, str, float]] = (),
    delisted: Mapping[str, date] | None = None,
    listed: Mapping[str, date] | None = None,
) -> None:
    """Fill the tables of market data."""
    frame = pl.DataFrame(list(bars), schema=BARS_DAILY.schema)
    replace(lake, BARS_DAILY, frame, Scope())
    rows = [
        {"symbol": s, "ex_date": d, "kind": k, "value": v, "known_at": at(d, "00:00"), "source": "test"}
        for s, d, k, v in actions
    ]
    replace(lake, CORPORATE_ACTIONS, pl.DataFrame(rows, schema=CORPORATE_ACTIONS.schema), Scope())
    symbols = (
        frame.group_by("symbol")
        .agg(first_session=pl.col("date").min(), last_session=pl.col("date").max())
        .sort("symbol")
        .with_columns(
            name=pl.col("symbol") + " Inc",
            exchange=pl.lit("XNYS"),
            currency=pl.lit("USD"),
            delisted_on=pl.col("symbol").replace_strict(dict(delisted or {}), default=None, return_dtype=pl.Date),
            source=pl.lit("test"),
        )
    )
    replace(lake, SYMBOLS, symbols.select(list(SYMBOLS.schema)), Scope())


def steady(symbol: str, price: float = 100.0, volume: int = 1_000_000, days: Sequence[date] = DAYS) -> list[dict]:
    """Bars that open at a price, go 2 % down, 4 % up, and close 1 % above the open."""
    return [bar(symbol, day, (price, price * 1.04, price * 0.98, price * 1.01), volume) for day in days]


def trading(broker: RunningBroker, keys: AccountKeys) -> TradingClient:
    """Alpaca's own client of an account, that does not retry by itself."""
    client = TradingClient(keys.key_id, keys.secret, url_override=broker.url)
    client._session.trust_env = False
    client._retry = 0
    client._retry_codes = []
    return client


def stock_data(broker: RunningBroker, keys: AccountKeys) -> StockHistoricalDataClient:
    """Alpaca's own client of market data."""
    client = StockHistoricalDataClient(keys.key_id, keys.secret, url_override=broker.url)
    client._session.trust_env = False
    client._retry = 0
    return client
