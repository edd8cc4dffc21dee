"""Market data as they were known on a day or at a moment, read from the lake.

The macros of `trading_assets.market_data.macros` do the same in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from trading_assets.desk import calendar
from trading_assets.lake import Lake, LakeFrame
from trading_assets.market_data.contract import (
    BARS,
    CORPORATE_ACTIONS,
    FUNDAMENTALS,
    MEMBERSHIP,
    SYMBOLS,
    Interval,
)
from trading_assets.point_in_time.as_of import latest_known
from trading_assets.point_in_time.backward_adjustment import Method, backward_adjust

__all__ = ["adjusted_bars", "fundamentals_as_of", "members_on"]

_LENGTHS: dict[Interval, timedelta] = {"1d": timedelta(), "1h": timedelta(hours=1), "1m": timedelta(minutes=1)}
_COLUMNS = ("symbol", "date", "ts", "open", "high", "low", "close", "volume", "source")
_FIGURE = ("symbol", "period_end", "period", "item")
_LONGEST_CLOSURE = timedelta(days=20)


def adjusted_bars(
    lake: Lake,
    as_of: date | datetime,
    *,
    method: Method = "split",
    symbols: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    interval: Interval = "1d",
) -> pl.DataFrame:
    """Read bars as a vendor's adjusted prices showed them on a day: adjusted backward, by what was known.

    Parameters
    ----------
    lake
        Where bars and corporate actions are stored, raw.
    as_of
        A day: bars up to it, and the actions with an ex-date up to it that were known before the end of that day in
        UTC. A moment with a zone: bars that had ended, by the closes of each symbol's exchange, and the actions known
        by then with an ex-date up to the date there. On the morning of an ex-date that is the history up to the evening
        before, in the shares of that day.
    method
        "split", "dividend" or "total_return"; see `backward_adjust`.
    symbols
        All by default.
    start, end
        First and last session to return, both included; they select rows and change no value.
    interval
        "1d", "1h" or "1m".

    Returns
    -------
    polars.DataFrame
        symbol, date, ts (not for "1d"), open, high, low, close, volume (Float64), source; sorted by symbol and time.

    Raises
    ------
    ValueError
        A moment without a zone, a symbol whose exchange is not known, or an error of `backward_adjust`.
    """
    contract = BARS[interval]
    limits = _limits(lake, as_of, symbols)
    columns = [name for name in _COLUMNS if name in contract.schema]
    bars = LakeFrame(lake, contract).read(columns, start=start, end=limits.last_day, symbol=symbols)
    actions = LakeFrame(lake, CORPORATE_ACTIONS).read(end=limits.last_day, symbol=symbols)
    known = limits.known_actions(actions)
    adjusted = backward_adjust(limits.ended(bars, _LENGTHS[interval]), known, method=method)
    return adjusted if end is None else adjusted.filter(pl.col("date") <= end)


def fundamentals_as_of(lake: Lake, moment: datetime, *, symbols: Sequence[str] | None = None) -> pl.DataFrame:
    """Read figures as they were known at a moment: the latest known version of each symbol, period and item.

    Raises
    ------
    ValueError
        The moment has no zone.
    """
    return latest_known(LakeFrame(lake, FUNDAMENTALS).read(symbol=symbols), moment, key=_FIGURE)


def members_on(lake: Lake, universe: str, day: date) -> pl.DataFrame:
    """Read the memberships of a universe or index that include a day, sorted by symbol."""
    spans = LakeFrame(lake, MEMBERSHIP).read(universe=universe).drop("universe")
    goes_on = pl.col("last_date").is_null() | (pl.col("last_date") >= day)
    return spans.filter(pl.col("first_date") <= day, goes_on).sort("symbol")


@dataclass(frozen=True, slots=True)
class _Limits:
    """What is known: rows dated up to the last day that became known before a moment.

    `exchanges` is given for a moment: per symbol, the last session that had closed and the date at the exchange.
    """

    last_day: date
    moment: datetime
    exchanges: pl.DataFrame | None = None

    def known_actions(self, actions: pl.DataFrame) -> pl.DataFrame:
        if self.exchanges is None:
            return actions.filter(pl.col("known_at") < self.moment)
        known = actions.filter(pl.col("known_at") <= self.moment).join(self.exchanges, on="symbol", how="left")
        return known.filter(pl.col("ex_date") <= pl.col("today")).select(actions.columns)

    def ended(self, bars: pl.DataFrame, length: timedelta) -> pl.DataFrame:
        if self.exchanges is None:
            return bars
        if length:
            return bars.filter(pl.col("ts") + length <= self.moment)
        placed = bars.join(self.exchanges, on="symbol", how="left", maintain_order="left")
        unknown = placed.filter(pl.col("closed").is_null())
        if unknown.height:
            raise ValueError(
                f"{unknown['symbol'][0]!r} is not in market_data.symbols, so the closes of its exchange are not known: "
                "materialise market_data/symbols, or use a day instead of a moment"
            )
        return placed.filter(pl.col("date") <= pl.col("closed")).select(bars.columns)


def _limits(lake: Lake, as_of: date | datetime, symbols: Sequence[str] | None) -> _Limits:
    if not isinstance(as_of, datetime):
        return _Limits(as_of, datetime.combine(as_of + timedelta(days=1), time(), UTC))
    if as_of.tzinfo is None:
        raise ValueError(f"as_of {as_of!r} has no zone; pass it in UTC: datetime(..., tzinfo=UTC)")
    moment = as_of.astimezone(UTC)
    listed = LakeFrame(lake, SYMBOLS).read(["symbol", "exchange"], symbol=symbols)
    facts = [(code, *_exchange_at(code, moment)) for code in listed["exchange"].unique().sort()]
    schema = {"exchange": pl.String, "closed": pl.Date, "today": pl.Date}
    exchanges = listed.join(pl.DataFrame(facts, schema=schema, orient="row"), on="exchange").drop("exchange")
    return _Limits(moment.date() + timedelta(days=1), moment, exchanges)


def _exchange_at(code: str, moment: datetime) -> tuple[date | None, date]:
    """Last session that has closed at a moment, and the date on the exchange's clock."""
    zone = calendar.exchange_timezone(code)
    today = pl.Series([moment]).dt.convert_time_zone(zone).dt.date()[0]
    closes = calendar.session_closes(code, today - _LONGEST_CLOSURE, today)
    closed = closes.filter(pl.col("close") <= moment)["date"]
    return (closed[-1] if closed.len() else None), today
