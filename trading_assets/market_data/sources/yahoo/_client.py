"""yfinance over one session: one symbol per request, with its exceptions turned into errors of a source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl

from trading_assets.library_internals.yfinance import clear_answers, get_json, set_timezone
from trading_assets.market_data.sources.errors import (
    NoDataError,
    SourceError,
    SourceFormatError,
    SourceRateLimitError,
    UnknownSymbolError,
)
from trading_assets.market_data.sources.yahoo._screens import read_screen
from trading_assets.market_data.sources.yahoo._setup import prepare_yfinance

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

    from trading_assets.market_data.sources.yahoo._session import YahooSession

__all__ = ["CHART_ROWS", "Chart", "Client", "check_symbol"]

CHART_ROWS: Final = pl.Schema(
    {
        "ts": pl.Datetime("us", "UTC"),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Int64(),
        "dividend": pl.Float64(),
        "split": pl.Float64(),
    }
)
_COLUMNS: Final = {
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "volume": "Volume",
    "dividend": "Dividends",
    "split": "Stock Splits",
}
_SYMBOL: Final = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=&_-]*")
# yfinance takes such a symbol for an ISIN and searches for another ticker.
_ISIN: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
_NOT_FOUND: Final = 404
_NO_SUCH_DATA: Final = re.compile("no fundamentals data", re.IGNORECASE)
_NO_ROWS: Final = re.compile(r"doesn't exist for startDate|no data found for this date range", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chart:
    """Yahoo's chart of a symbol.

    Attributes
    ----------
    rows : polars.DataFrame
        Split-adjusted bars, dividends and splits, in `CHART_ROWS`; null where Yahoo has no price.
    first_trade, last_trade : datetime or None
        First trade ever, and the latest one.
    currency, timezone : str or None
        Of the prices, and of the exchange.
    name : str or None
        Of the company or fund.
    """

    rows: pl.DataFrame
    first_trade: datetime | None = None
    last_trade: datetime | None = None
    currency: str | None = None
    timezone: str | None = None
    name: str | None = None


class Client:
    """yfinance over one session.

    Parameters
    ----------
    session
        Session that every request goes through.
    cache_path
        Folder of yfinance's own caches.
    timezone
        Zone of the exchange.
    timeout
        Of a request, seconds.
    """

    def __init__(self, session: YahooSession, cache_path: Path | None, timezone: str, timeout: float) -> None:
        self._session, self._timezone, self._timeout = session, timezone, timeout
        prepare_yfinance(cache_path)

    def chart(
        self, symbol: str, interval: Literal["1d", "1h", "1m"], start: datetime, end: datetime | None = None
    ) -> Chart:
        """Return bars that begin from `start` on and before `end`; without an end, all until now."""
        return self._chart(symbol, interval=interval, start=start, end=end)

    def whole_history(self, symbol: str) -> Chart:
        """Return the months in which a symbol traded, from the first to the last."""
        return self._chart(symbol, interval="1mo", period="max")

    def get(self, symbols: str, url: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON object at an address of Yahoo.

        Raises
        ------
        UnknownSymbolError, NoDataError
            Yahoo has no such symbol, or no such data about it.
        SourceError
            It does not answer, or not with a JSON object.
        """
        with _typed_errors(symbols):
            found = get_json(self._session, url, params, self._timeout)
        if not isinstance(found, dict):
            raise SourceFormatError(f"yahoo's answer for {symbols} is not a JSON object.")
        return found

    def screen(self, query: str | Mapping[str, Any], size: int) -> list[str]:
        """Return the symbols that a screen finds now, in its order."""
        import yfinance as yf  # type: ignore[import-untyped]

        limit = {"count": size} if isinstance(query, str) else {"size": size}
        made = read_screen(query)
        with _typed_errors("the screen"):
            found = yf.screen(made, session=self._session, **limit)
            return [str(quote["symbol"]) for quote in found["quotes"]]

    def _chart(self, symbol: str, **window: Any) -> Chart:
        import yfinance as yf
        from yfinance.exceptions import YFPricesMissingError  # type: ignore[import-untyped]

        check_symbol(symbol)
        ticker = yf.Ticker(symbol, session=self._session)
        set_timezone(ticker, self._timezone)
        clear_answers()
        options = {"prepost": False, "actions": True, "auto_adjust": False, "repair": False, "keepna": True}
        with _typed_errors(symbol):
            try:
                table = ticker.history(**window, **options, timeout=self._timeout)
            except YFPricesMissingError as missing:
                if missing.yahoo_reason is not None:
                    raise
                return Chart(CHART_ROWS.to_frame())
            except Exception as error:
                if _is_no_rows(error):
                    return Chart(CHART_ROWS.to_frame())
                raise
            return _read_chart(table, ticker.get_history_metadata())


def check_symbol(symbol: str) -> None:
    """Raise `UnknownSymbolError` if a symbol cannot be one of Yahoo's."""
    if not _SYMBOL.fullmatch(symbol) or _ISIN.fullmatch(symbol.upper()):
        raise UnknownSymbolError(
            f"yahoo cannot know {symbol!r}: it is not a ticker; write it as finance.yahoo.com does, "
            "for instance BRK-B, RELIANCE.NS or ^GSPC.",
            [symbol],
        )


@contextmanager
def _typed_errors(symbols: str) -> Iterator[None]:
    """Turn every exception of yfinance into an error of a source that names the symbols."""
    from yfinance.exceptions import YFPricesMissingError, YFRateLimitError

    from trading_assets.market_data.sources.yahoo._session import RefusedRequestError

    try:
        yield
    except SourceError:
        raise
    except YFRateLimitError:
        raise SourceRateLimitError(f"yahoo has received too many requests (for {symbols}); try again later.") from None
    except RefusedRequestError as refused:
        raise _refusal(symbols, refused) from None
    except YFPricesMissingError as missing:
        raise SourceFormatError(f"yahoo has no bars of {symbols}: {missing.yahoo_reason}.") from None
    except Exception as error:  # noqa: BLE001 - yfinance lets through every exception of its parsing
        raise SourceFormatError(
            f"yahoo's answer for {symbols} cannot be read ({type(error).__name__}); "
            "update the package yfinance, or remove the symbol from the universe."
        ) from None


def _refusal(symbols: str, refused: Exception) -> SourceError:
    status, description = getattr(refused, "status", 0), getattr(refused, "description", "")
    if status == _NOT_FOUND and _NO_SUCH_DATA.search(description):
        return NoDataError(f"yahoo knows {symbols} but reports: {description}; use another source for it.")
    if status == _NOT_FOUND:
        return UnknownSymbolError(
            f"yahoo does not know {symbols} (it reports: {description}); correct the spelling or remove the symbol "
            "from the universe.",
            symbols.split(","),
        )
    return SourceFormatError(f"yahoo has no answer for {symbols} (HTTP {status}; it reports: {description}).")


def _is_no_rows(error: Exception) -> bool:
    return _NO_ROWS.search(str(getattr(error, "description", ""))) is not None


def _read_chart(table: pd.DataFrame, meta: Mapping[str, Any]) -> Chart:
    rows = CHART_ROWS.to_frame()
    if len(table):
        values = {name: table[column].to_numpy() for name, column in _COLUMNS.items()}
        moments = table.index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
        ts = pl.Series(moments).dt.replace_time_zone("UTC")
        rows = pl.DataFrame({"ts": ts, **values}, nan_to_null=True).cast(CHART_ROWS).sort("ts")
    return Chart(
        rows,
        first_trade=_moment(meta.get("firstTradeDate")),
        last_trade=_moment(meta.get("regularMarketTime")),
        currency=meta.get("currency"),
        timezone=meta.get("exchangeTimezoneName"),
        name=meta.get("longName") or meta.get("shortName"),
    )


def _moment(value: Any) -> datetime | None:
    """Moment from Yahoo's seconds, or from the timestamp into which yfinance may have turned them."""
    if value is None:
        return None
    return datetime.fromtimestamp(value if isinstance(value, int | float) else value.timestamp(), UTC)
