"""What Alpaca knows about symbols: which exist, since when they have bars, and why one has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import polars as pl

from trading_assets.desk.calendar import exchange_timezone
from trading_assets.market_data.sources.alpaca._client import AlpacaClient
from trading_assets.market_data.sources.errors import (
    DelistedSymbolError,
    NoDataError,
    SourceError,
    SourceFormatError,
    UnknownSymbolError,
)

_OVER_THE_COUNTER: Final = "OTC"


class Asset(NamedTuple):
    """A security that Alpaca trades, or has traded."""

    name: str | None
    is_active: bool
    is_listed: bool


def read_assets(client: AlpacaClient) -> dict[str, Asset]:
    """Read all US equities that Alpaca knows, by symbol; of a ticker used twice, the active asset.

    Raises
    ------
    SourceError
        Alpaca does not answer, or not with a list of assets.
    """
    answer = client.get("trading", "/assets", {"asset_class": "us_equity"})
    if not isinstance(answer, list):
        raise SourceFormatError("source 'alpaca', request for assets: the answer is not a list; report it to Alpaca.")
    found: dict[str, Asset] = {}
    for item in answer:
        asset = _asset(item)
        symbol = item.get("symbol") if isinstance(item, dict) else None
        if symbol and asset and (asset.is_active or symbol not in found):
            found[symbol] = asset
    return found


def tradable(assets: Mapping[str, Asset]) -> list[str]:
    """Symbols of the active, exchange-listed assets, sorted."""
    return sorted(symbol for symbol, asset in assets.items() if asset.is_active and asset.is_listed)


def explain_absence(
    symbols: Sequence[str], assets: Mapping[str, Asset], with_bars: Iterable[str], window: str
) -> dict[str, SourceError]:
    """Explain why symbols have no rows; one that is not listed yet rightly has none, and is left out.

    Parameters
    ----------
    symbols : sequence of str
        Symbols without a row in the answer.
    assets : mapping of str to Asset
        What Alpaca knows.
    with_bars : iterable of str
        Symbols that have traded by the end of the window.
    window : str
        What was requested, for the message.
    """
    traded, found = set(with_bars), {}
    for symbol in symbols:
        asset = assets.get(symbol)
        error = _why_absent(symbol, asset, symbol in traded, window)
        if error is not None:
            found[symbol] = error
    return found


def months_with_bars(monthly: pl.DataFrame, exchange: str) -> pl.DataFrame:
    """Find the first and last month with a bar, by symbol, from monthly bars: columns symbol, first, last."""
    month = pl.col("at").dt.convert_time_zone(exchange_timezone(exchange)).dt.date().dt.month_start()
    return monthly.drop_nulls("at").group_by("symbol").agg(first=month.min(), last=month.max()).sort("symbol")


def symbols_by_month(months: pl.DataFrame) -> Iterator[tuple[date, list[str]]]:
    """Yield each month that is the first or the last of some symbols, with those symbols."""
    ends = pl.concat([months.select("symbol", month=end) for end in ("first", "last")]).unique()
    yield from ends.sort("month", "symbol").group_by("month", maintain_order=True).agg("symbol").rows()


def _why_absent(symbol: str, asset: Asset | None, has_traded: bool, window: str) -> SourceError | None:
    if asset is None:
        return UnknownSymbolError(
            f"source 'alpaca' does not have {symbol!r}; correct the spelling or remove the symbol from the universe.",
            (symbol,),
        )
    if not asset.is_active:
        return DelistedSymbolError(
            f"source 'alpaca' has no data for {symbol} in {window}: it no longer trades; record its delisting in the "
            "universe, or request earlier sessions."
        )
    if has_traded:
        return NoDataError(
            f"source 'alpaca' has no data for {symbol} in {window}, though it is listed and has traded; try again "
            "later, or use a feed or a source that covers it."
        )
    return None


def _asset(item: Any) -> Asset | None:
    if not isinstance(item, dict):
        return None
    return Asset(item.get("name"), item.get("status") == "active", item.get("exchange") != _OVER_THE_COUNTER)
