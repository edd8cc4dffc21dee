"""Comparison of sources: the same bars from another source, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.desk.configuration import QualityRules
from trading_assets.market_data.contract import SOURCE_COMPARISON
from trading_assets.market_data.quality._shape import as_rows
from trading_assets.market_data.sources import (
    DAILY_BARS_SCHEMA,
    PartialAnswerError,
    Source,
    SourceError,
    UnknownSymbolError,
)

_KEY = ["symbol", "date"]
_PRICES = ("open", "high", "low", "close")


def compare_bars(stored: pl.DataFrame, other: pl.DataFrame, rules: QualityRules, *, other_source: str) -> pl.DataFrame:
    """List the fields in which two sources differ by more than the tolerance.

    The difference of two values is relative to the larger of them.

    Parameters
    ----------
    stored : polars.DataFrame
        Bars of the lake: symbol, date, open, high, low, close, volume, source.
    other : polars.DataFrame
        Bars of the other source over the same names and sessions: symbol, date, open, high, low, close, volume.
    rules : QualityRules
        Tolerances.
    other_source : str
        Name of the other source.

    Returns
    -------
    polars.DataFrame
        Rows of market_data.source_comparison, sorted; field ``presence`` where one of the two lacks the bar.
    """
    fields = (*_PRICES, "volume")
    answered = other.drop_nulls(_KEY).unique(_KEY, keep="first", maintain_order=True)
    both = stored.select(*_KEY, *fields, "source", is_stored=True).join(
        answered.select(*_KEY, *fields, is_other=True), on=_KEY, how="full", coalesce=True, suffix="__other"
    )
    one_lacks = pl.col("is_stored").is_null() | pl.col("is_other").is_null()
    found = [
        _rows(both.filter(one_lacks), "presence", pl.col("close"), pl.col("close__other")),
        *(
            _rows(both.filter(~one_lacks), name, pl.col(name), pl.col(f"{name}__other")).filter(
                pl.col("difference").is_null()
                | (pl.col("difference") > (rules.volume_tolerance if name == "volume" else rules.price_tolerance))
            )
            for name in fields
        ),
    ]
    rows = pl.concat(found).with_columns(other_source=pl.lit(other_source))
    return as_rows(rows, SOURCE_COMPARISON)


def other_bars(
    source: Source, symbols: Sequence[str], start: date, end: date
) -> tuple[pl.DataFrame, dict[str, SourceError]]:
    """Fetch bars of another source, and why some symbols failed: no symbol keeps another from being compared.

    Parameters
    ----------
    source : Source
        The other source.
    symbols : sequence of str
        Symbols to compare.
    start, end : date
        First and last session.

    Returns
    -------
    tuple of polars.DataFrame and dict of str to SourceError
        Its bars, and the error of each symbol that failed; of all symbols if the request failed.
    """
    try:
        return source.bars(symbols, start, end), {}
    except PartialAnswerError as error:
        return error.rows, error.failures
    except UnknownSymbolError as error:
        return _of_known_names(source, symbols, start, end, error)
    except SourceError as error:
        return pl.DataFrame(schema=DAILY_BARS_SCHEMA), dict.fromkeys(symbols, error)


def _of_known_names(
    source: Source, symbols: Sequence[str], start: date, end: date, error: SourceError
) -> tuple[pl.DataFrame, dict[str, SourceError]]:
    """Repeat the request for the symbols that the source lists."""
    known = set(source.symbols()["symbol"])
    listed = [symbol for symbol in symbols if symbol in known]
    if len(listed) == len(symbols):
        return pl.DataFrame(schema=DAILY_BARS_SCHEMA), dict.fromkeys(symbols, error)
    unknown: dict[str, SourceError] = {
        symbol: UnknownSymbolError(f"source {source.name!r} does not have {symbol}")
        for symbol in symbols
        if symbol not in known
    }
    bars, failures = other_bars(source, listed, start, end)
    return bars, unknown | failures


def _rows(both: pl.DataFrame, field: str, stored: pl.Expr, other: pl.Expr) -> pl.DataFrame:
    stored, other = stored.cast(pl.Float64), other.cast(pl.Float64)
    larger = pl.max_horizontal(stored.abs(), other.abs())
    gap = pl.when(larger > 0).then((stored - other).abs() / larger).otherwise(0.0)
    return both.select(
        *_KEY,
        field=pl.lit(field),
        stored_source="source",
        stored=stored,
        other=other,
        difference=pl.when(stored.is_not_null() & other.is_not_null()).then(gap),
    )
