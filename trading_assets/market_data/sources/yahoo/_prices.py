"""Reading Yahoo's charts: raw bars, splits and dividends, or the reason for their absence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from trading_assets.market_data.sources._unadjust import raw_from_split_adjusted
from trading_assets.market_data.sources.errors import (
    DelistedSymbolError,
    NoDataError,
    SourceConfigError,
    SourceError,
)
from trading_assets.market_data.sources.protocol import (
    CORPORATE_ACTIONS_SCHEMA,
    DAILY_BARS_SCHEMA,
    INTRADAY_BARS_SCHEMA,
    Interval,
)
from trading_assets.market_data.sources.yahoo._client import Chart, Client
from trading_assets.market_data.sources.yahoo._windows import LENGTHS, YahooMarket, spans

__all__ = ["NAME", "check_market", "corporate_actions", "daily_bars", "intraday_bars", "origin"]

NAME: Final = "yahoo"
_PRICES: Final = ("open", "high", "low", "close")
# Exchanges that quote in hundredths: London in pence, Johannesburg in cents, Tel Aviv in agorot.
_HUNDREDTHS: Final = {"GBp": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
_DECIMALS: Final = 6


def daily_bars(client: Client, symbol: str, days: Sequence[date], market: YahooMarket) -> pl.DataFrame:
    """Return the raw daily bars of sessions, without the one still in progress.

    Raises
    ------
    DelistedSymbolError, NoDataError, UnknownSymbolError
        There are none although the exchange traded.
    """
    ended = market.ended(days)
    if not ended:
        return DAILY_BARS_SCHEMA.to_frame()
    history = _history(client, symbol, days[0], market)
    rows = history.raw(history.dated).filter(pl.col("date").is_between(ended[0], ended[-1]))
    _check_present(client, symbol, rows, history.chart, ended, market)
    return rows.with_columns(**origin(symbol)).select(*DAILY_BARS_SCHEMA)


def intraday_bars(
    client: Client, symbol: str, days: Sequence[date], interval: Interval, market: YahooMarket
) -> pl.DataFrame:
    """Return the raw intraday bars that have ended; a minute without a trade has none."""
    if not days:
        return INTRADAY_BARS_SCHEMA.to_frame()
    history = _history(client, symbol, days[0], market)
    charts = [client.chart(symbol, interval, *span) for span in spans(interval, days, market)]
    traded = pl.concat([chart.rows for chart in charts]).filter(pl.any_horizontal(pl.col(_PRICES).is_not_null()))
    rows = history.raw(_dated(traded, symbol, market)).join(market.hours(days), on="date", how="left")
    ends = pl.min_horizontal(pl.col("ts") + LENGTHS[interval], pl.col("closes"))
    within = (pl.col("ts") >= pl.col("opens")) & (pl.col("ts") < pl.col("closes"))
    rows = rows.filter(within.fill_null(value=True), ends <= market.now, pl.col("date").is_between(days[0], days[-1]))
    _check_present(client, symbol, rows, history.chart, market.ended(days), market)
    return rows.with_columns(**origin(symbol)).select(*INTRADAY_BARS_SCHEMA)


def corporate_actions(client: Client, symbol: str, days: Sequence[date], market: YahooMarket) -> pl.DataFrame:
    """Return splits and dividends with an ex-date among sessions.

    Yahoo does not report announcements: an action counts as known from midnight UTC at the start of its ex-date.
    """
    if not days:
        return CORPORATE_ACTIONS_SCHEMA.to_frame()
    history = _history(client, symbol, days[0], market)
    rows = history.raw(history.dated).filter(pl.col("date").is_between(days[0], days[-1]))
    _check_present(client, symbol, rows, history.chart, market.ended(days), market)
    kinds = [
        rows.filter(pl.col(kind) > 0).select("date", kind=pl.lit(kind), value=pl.col(kind))
        for kind in ("dividend", "split")
    ]
    known_at = pl.col("ex_date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return (
        pl.concat(kinds)
        .rename({"date": "ex_date"})
        .sort("ex_date", "kind")
        .with_columns(known_at=known_at, **origin(symbol))
        .select(*CORPORATE_ACTIONS_SCHEMA)
    )


def check_market(symbol: str, timezone: str | None, currency: str | None, market: YahooMarket) -> float:
    """Return the factor that converts Yahoo's prices to the currency of the market.

    Raises
    ------
    SourceConfigError
        The symbol trades in another time zone, so that it has other sessions, or in another currency.
    """
    if timezone is not None and not market.has_clock_of(timezone):
        raise SourceConfigError(
            f"yahoo reports that {symbol} trades in the zone {timezone}, but source.yahoo.exchange is "
            f"{market.exchange} ({market.timezone}); set the exchange of {symbol}, or remove it from the universe."
        )
    if currency is not None and _HUNDREDTHS.get(currency) == market.currency:
        return 0.01
    if currency is not None and currency != market.currency:
        raise SourceConfigError(
            f"yahoo has the prices of {symbol} in {currency}, but source.yahoo.currency is {market.currency}; "
            f"set it to {_HUNDREDTHS.get(currency, currency)}, or remove {symbol} from the universe."
        )
    return 1.0


def origin(symbol: str) -> dict[str, pl.Expr]:
    """Columns with the symbol and the origin of a row."""
    nothing = pl.lit(None, dtype=pl.String)
    labels = {"symbol": pl.lit(symbol), "source": pl.lit(NAME), "raw": nothing}
    return labels | {"feed": nothing, "adjustment": pl.lit("split")}


@dataclass(frozen=True, slots=True)
class _History:
    """Daily rows of a symbol from some day to the present, so that every later split is among them."""

    chart: Chart
    dated: pl.DataFrame
    scale: float

    def raw(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Undo the adjustment for the splits after each row."""
        splits = self.dated.filter(pl.col("split") > 0).select("symbol", ex_date="date", value="split")
        in_currency = rows.with_columns(pl.col(*_PRICES, "dividend") * self.scale)
        hundredths = 0 if self.scale == 1.0 else 2
        return raw_from_split_adjusted(in_currency, splits, decimals=_DECIMALS + hundredths)


def _history(client: Client, symbol: str, first: date, market: YahooMarket) -> _History:
    # One day beyond the present: a split of today, stamped with its last trade, has adjusted all days before.
    chart = client.chart(symbol, "1d", market.midnight(first), market.now + timedelta(days=1))
    scale = check_market(symbol, chart.timezone, chart.currency, market)
    return _History(chart, _dated(chart.rows, symbol, market), scale)


def _dated(rows: pl.DataFrame, symbol: str, market: YahooMarket) -> pl.DataFrame:
    at_exchange = pl.col("ts").dt.convert_time_zone(market.timezone)
    return rows.with_columns(symbol=pl.lit(symbol), date=at_exchange.dt.date())


def _check_present(
    client: Client, symbol: str, rows: pl.DataFrame, chart: Chart, ended: Sequence[date], market: YahooMarket
) -> None:
    """Raise if prices are missing that should exist: a session has ended, and the symbol was listed by then."""
    if not ended or rows["close"].is_not_null().any():
        return
    if chart.first_trade is None and chart.last_trade is None:
        chart = client.whole_history(symbol)
    if chart.first_trade is not None and market.day(chart.first_trade) > ended[-1]:
        return
    raise _absence(symbol, chart, ended, market)


def _absence(symbol: str, chart: Chart, ended: Sequence[date], market: YahooMarket) -> SourceError:
    traded = chart.rows.filter(pl.col("close").is_not_null())["ts"].to_list()
    latest = max([*traded, *([chart.last_trade] if chart.last_trade else [])], default=None)
    window = f"{ended[0]}..{ended[-1]}"
    if latest is not None and market.day(latest) < ended[0]:
        return DelistedSymbolError(
            f"yahoo's history of {symbol} ends on {market.day(latest)}, before the window {window}: it no longer "
            "trades under this ticker; remove it from the universe from then on, or use its new ticker."
        )
    return NoDataError(
        f"yahoo knows {symbol} but has no price of it in {window}, when {market.exchange} had {len(ended)} sessions; "
        "try again later, or take the window from another source."
    )
