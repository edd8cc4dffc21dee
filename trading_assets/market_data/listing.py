"""Listings: the symbols of a universe, their listing events, and the partitions that a listing overlaps."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import polars as pl

from trading_assets.desk.configuration import UniverseSettings
from trading_assets.errors import TradingAssetsError
from trading_assets.lake import Scope
from trading_assets.market_data.ingest import CatchAll, Failure, fetch, read_rows
from trading_assets.market_data.sources import (
    LISTINGS_SCHEMA,
    PartialAnswerError,
    Source,
    UnknownSymbolError,
)
from trading_assets.market_data.universe import member_lists, names_of
from trading_assets.suggest import did_you_mean


class UnlistedSymbolError(TradingAssetsError, ValueError):
    """A symbol has partitions but is not in market_data.symbols."""


def listed_partitions(symbols: pl.DataFrame, wanted: Iterable[str], years: Iterable[int]) -> list[str]:
    """Return the partition keys ``year|symbol`` in which a symbol has traded.

    Parameters
    ----------
    symbols : polars.DataFrame
        market_data.symbols: symbol, first_session, last_session.
    wanted : iterable of str
        Symbols.
    years : iterable of int
        Years.

    Raises
    ------
    UnlistedSymbolError
        A wanted symbol is not in the table; the message says what to do.
    """
    listed = _listed(symbols, wanted).join(
        pl.DataFrame({"year": sorted(set(years))}, schema={"year": pl.Int32}), how="cross"
    )
    overlapping = listed.filter(
        (pl.col("first_session").dt.year() <= pl.col("year")) & (pl.col("last_session").dt.year() >= pl.col("year"))
    )
    # The join makes a chunk per symbol, and `format` of Polars 2.1 panics if the filter has emptied one.
    return overlapping.rechunk().select(pl.format("{}|{}", "year", "symbol")).to_series().to_list()


def listed_months(symbols: pl.DataFrame, wanted: Iterable[str], months: Iterable[str]) -> list[str]:
    """Return the partition keys ``year-month|symbol`` in which a symbol has traded; see `listed_partitions`."""
    listed = _listed(symbols, wanted).join(
        pl.DataFrame({"month": sorted(set(months))}, schema={"month": pl.String}), how="cross"
    )
    first, last = (pl.col(name).dt.strftime("%Y-%m") for name in ("first_session", "last_session"))
    overlapping = listed.filter((first <= pl.col("month")) & (last >= pl.col("month")))
    return overlapping.rechunk().select(pl.format("{}|{}", "month", "symbol")).to_series().to_list()


def _listed(symbols: pl.DataFrame, wanted: Iterable[str]) -> pl.DataFrame:
    wanted = list(wanted)
    missing = sorted(set(wanted) - set(symbols["symbol"].to_list()))
    if missing:
        msg = (
            f"{missing[0]}{f' and {len(missing) - 1} more symbols' if missing[1:] else ''} not found in "
            "market_data.symbols; materialise market_data/symbols, or remove the symbol from the partitions"
        )
        raise UnlistedSymbolError(msg)
    return symbols.filter(pl.col("symbol").is_in(wanted))


def listed_names(source: Source, universe: UniverseSettings) -> tuple[pl.DataFrame, Mapping[str, Failure]]:
    """Fetch the symbols of a universe from a source, and why the others failed.

    Returns
    -------
    polars.DataFrame
        Rows of market_data.symbols.
    mapping of str to Failure
        Symbol of the universe -> why the source does not list it.
    """
    try:
        rows, failed = source.symbols(), {}
    except PartialAnswerError as partial:
        rows, failed = partial.rows, {symbol: Failure(source.name, error) for symbol, error in partial.failures.items()}
    lists = member_lists(universe)
    if not lists:
        return rows, failed
    wanted = names_of(lists)
    for symbol in sorted(set(wanted) - set(rows["symbol"]) - set(failed)):
        near = did_you_mean(symbol, rows["symbol"])
        message = (
            f"the source {source.name!r} does not have {symbol!r} of the universe{near}; correct the list or the source"
        )
        failed[symbol] = Failure(source.name, UnknownSymbolError(message, [symbol]))
    return rows.filter(pl.col("symbol").is_in(wanted)), failed


def all_listings(
    sources: Sequence[Source], symbols: pl.DataFrame, request: Scope, *, catch_all: CatchAll
) -> pl.DataFrame:
    """Fetch listing events; those that no source reports are derived from the span of the bars.

    The span gives the first session (known from its start) and the first session without the symbol (known when that
    day begins); it has no delisting return and no rename.

    Parameters
    ----------
    sources : sequence of Source
        Sources with a method `listings`, primary first; may be empty.
    symbols : polars.DataFrame
        market_data.symbols.
    request : Scope
        Symbols, and the window of the events.
    catch_all : CatchAll
        Partition of events that no other takes.
    """
    start, end = request.window()
    reported = LISTINGS_SCHEMA.to_frame()
    if sources:
        read = partial(read_rows, method="listings", time="date", catch_all=catch_all)
        reported = fetch(sources, request, read).require_rows()
    spans = [
        symbols.filter(pl.col("symbol").is_in(request.values["symbol"])).select(
            "symbol", date=pl.col(day), kind=pl.lit(kind), source="source"
        )
        for day, kind in (("first_session", "listing"), ("delisted_on", "delisting"))
    ]
    derived = (
        pl.concat(spans)
        .filter(pl.col("date").is_between(start, end))
        .with_columns(
            value=pl.lit(None, dtype=pl.Float64),
            other_symbol=pl.lit(None, dtype=pl.String),
            known_at=pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            raw=pl.lit(None, dtype=pl.String),
        )
        .select(*LISTINGS_SCHEMA)
        .join(reported, on=["symbol", "kind"], how="anti")
    )
    return pl.concat([reported, derived], how="diagonal").sort("symbol", "date", "kind")
