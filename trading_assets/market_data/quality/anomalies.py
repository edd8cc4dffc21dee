"""Anomalies: bars that are missing or look wrong, judged by what was known at their session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.desk.configuration import QualityRules
from trading_assets.market_data.contract import ANOMALIES
from trading_assets.market_data.quality._outliers import outliers
from trading_assets.market_data.quality._sessions import expected_spans, numbered
from trading_assets.market_data.quality._shape import as_rows, where

_BAR = ("open", "high", "low", "close", "volume")


def anomalies(
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    quarantined: pl.DataFrame,
    symbols: pl.DataFrame,
    sessions: Sequence[date],
    *,
    jumps: pl.DataFrame,
    rules: QualityRules,
) -> pl.DataFrame:
    """Find everything about the bars of a panel that a person should look at.

    The result for a session depends on that session and `window_sessions` sessions before it, never on later ones.

    Parameters
    ----------
    bars : polars.DataFrame
        Stored daily bars: symbol, date, open, high, low, close, volume.
    actions : polars.DataFrame
        Corporate actions: symbol, ex_date, kind, value; a recorded split or dividend is no outlier.
    quarantined : polars.DataFrame
        Quarantined bars: symbol, date, rule.
    symbols : polars.DataFrame
        Rows of market_data.symbols: symbol, first_session, delisted_on.
    sessions : sequence of date
        All sessions from the first bar that was read to the last one whose close has passed.
    jumps : polars.DataFrame
        Price jumps like those of a split that is not recorded: symbol, date, ratio, message.
    rules : QualityRules
        Limits.

    Returns
    -------
    polars.DataFrame
        Rows of market_data.anomalies, sorted by symbol, date and kind.
    """
    placed = bars.join(numbered(sessions), on="date").sort("symbol", "session")
    split_like = jumps.select(
        "symbol", "date", "message", kind=pl.lit("split_without_action"), value=pl.col("ratio").cast(pl.Float64)
    )
    found = [
        gaps(placed, quarantined, symbols, sessions, rules),
        stale(placed, rules),
        outliers(placed, actions, rules).join(split_like, on=["symbol", "date"], how="anti"),
        zero_volume(placed),
        split_like,
    ]
    return pl.concat(as_rows(frame, ANOMALIES) for frame in found).sort(ANOMALIES.key)


def gaps(
    placed: pl.DataFrame,
    quarantined: pl.DataFrame,
    symbols: pl.DataFrame,
    sessions: Sequence[date],
    rules: QualityRules,
) -> pl.DataFrame:
    """Find sessions without a bar in which a symbol is listed, the first `gap_sessions` of each run.

    A run is counted from the last bar before it, or from the start of the rows that were read.
    """
    spans = expected_spans(symbols, sessions)
    inside = placed.select("symbol", "session").join(spans, on="symbol")
    inside = inside.filter(pl.col("session").is_between("first", "end", closed="left")).select("symbol", "session")
    fences = [inside, spans.select("symbol", session=pl.col("first") - 1), spans.select("symbol", session="end")]
    following = pl.concat(fences).sort("symbol", "session")
    following = following.with_columns(next=pl.col("session").shift(-1).over("symbol"))
    runs = following.filter(pl.col("next") - pl.col("session") > 1)
    listed_until = pl.min_horizontal("next", pl.col("session") + rules.gap_sessions + 1)
    missing = runs.select(
        "symbol", before="session", session=pl.int_ranges(pl.col("session") + 1, listed_until)
    ).explode("session")
    held = quarantined.group_by("symbol", "date").agg(rule=pl.col("rule").unique().sort().first())
    dated = missing.join(numbered(sessions), on="session").join(held, on=["symbol", "date"], how="left")
    number = pl.col("session") - pl.col("before")
    why = (
        pl.when(pl.col("rule").is_not_null())
        .then(pl.format("its bar is in quarantine ({}); look at quarantine.market_data_bars_daily", "rule"))
        .when(number == rules.gap_sessions)
        .then(pl.lit("later ones of this run are only counted in market_data.coverage"))
        .otherwise(pl.lit("fetch the bars of the symbol again, or record its delisting"))
    )
    return dated.rechunk().select(
        "symbol",
        "date",
        kind=pl.lit("gap"),
        value=number.cast(pl.Float64),
        message=pl.format("no bar, session {} of the run; {}", number, why),
    )


def stale(placed: pl.DataFrame, rules: QualityRules) -> pl.DataFrame:
    """Find bars that end a run of `stale_sessions` or more identical ones, or of equal closes without volume."""
    earlier = placed.select("symbol", "session", *_BAR).shift(1).rename(lambda name: f"{name}__before")
    follows = (pl.col("symbol") == pl.col("symbol__before")) & (pl.col("session") == pl.col("session__before") + 1)
    same = {name: pl.col(name) == pl.col(f"{name}__before") for name in _BAR}
    idle = same["close"] & (pl.col("volume") == 0)
    row = pl.int_range(pl.len())
    runs = (
        placed.hstack(earlier)
        .with_columns(is_unchanged=(follows & (pl.all_horizontal(same.values()) | idle)).fill_null(value=False))
        .with_columns(length=row - pl.when(~pl.col("is_unchanged")).then(row).forward_fill() + 1)
        .with_columns(shown=pl.min_horizontal("length", pl.lit(rules.window_sessions)))
    )
    longer = pl.when(pl.col("length") > rules.window_sessions).then(pl.lit(" or more")).otherwise(pl.lit(""))
    return where(runs, pl.col("length") >= rules.stale_sessions).select(
        "symbol",
        "date",
        kind=pl.lit("stale"),
        value=pl.col("shown").cast(pl.Float64),
        message=pl.format(
            "the same bar, close {}, for {}{} sessions: halted, delisted or a stuck feed; compare with another source",
            pl.col("close").round(4),
            "shown",
            longer,
        ),
    )


def zero_volume(placed: pl.DataFrame) -> pl.DataFrame:
    """Find bars without volume."""
    return where(placed, pl.col("volume") == 0).select(
        "symbol",
        "date",
        kind=pl.lit("zero_volume"),
        value=pl.lit(None, dtype=pl.Float64),
        message=pl.format(
            "a bar at {} without any volume; its price is a quote, not a trade", pl.col("close").round(4)
        ),
    )
