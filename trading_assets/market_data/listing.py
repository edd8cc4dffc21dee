"""Which partitions of a name exist at all: those that its listing overlaps."""

from collections.abc import Iterable

import polars as pl


class UnlistedSymbolError(ValueError):
    """A symbol has partitions but is not in market_data.symbols."""


def listed_partitions(symbols: pl.DataFrame, wanted: Iterable[str], years: Iterable[int]) -> list[str]:
    """Partition keys ``year|symbol`` in which a name has traded.

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
    wanted = list(wanted)
    missing = sorted(set(wanted) - set(symbols["symbol"].to_list()))
    if missing:
        msg = (
            f"{missing[0]}{f' and {len(missing) - 1} more symbols' if missing[1:] else ''} not found in "
            "market_data.symbols; materialise market_data/symbols, or take the symbol out of the partitions"
        )
        raise UnlistedSymbolError(msg)
    listed = symbols.filter(pl.col("symbol").is_in(wanted)).join(
        pl.DataFrame({"year": sorted(set(years))}, schema={"year": pl.Int32}), how="cross"
    )
    overlapping = listed.filter(
        (pl.col("first_session").dt.year() <= pl.col("year")) & (pl.col("last_session").dt.year() >= pl.col("year"))
    )
    return overlapping.select(pl.format("{}|{}", "year", "symbol")).to_series().to_list()
