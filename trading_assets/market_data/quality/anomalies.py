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

RELISTED_YEARS = 2
"""Calendar years before that of a bar in which the bar before it is looked for."""
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
    since: date | None = None,
) -> pl.DataFrame:
    """Find everything about the bars of a panel that a person should look at.

    The result for a session depends on that session and `window_sessions` sessions before it, never on later ones. That
    a symbol was listed again depends on the two calendar years before that of the session.

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
    since : date, optional
        First day of the lake; by default the first session.

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
        relisted(placed, symbols, rules, since=since or min(sessions, default=date.max)),
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


def relisted(placed: pl.DataFrame, symbols: pl.DataFrame, rules: QualityRules, *, since: date) -> pl.DataFrame:
    """Find bars that begin another listing: the first after more than `relisted_after` days without one.

    A bar before the two calendar years before is not looked at, so that every run sees the same; that there was one is
    known from the symbol's first session.

    Parameters
    ----------
    placed, symbols, rules
        As in `anomalies`.
    since : date
        First day of the lake: earlier bars are not there.
    """
    earliest = pl.date(pl.col("date").dt.year() - RELISTED_YEARS, 1, 1)
    rows = placed.with_columns(
        last=pl.col("date").shift(1).over("symbol"), last_close=pl.col("close").shift(1).over("symbol")
    ).join(symbols.select("symbol", "first_session"), on="symbol", how="left", maintain_order="left")
    is_seen = (pl.col("last") >= earliest).fill_null(value=False)
    silent = pl.when(is_seen).then((pl.col("date") - pl.col("last")).dt.total_days())
    is_older = ~is_seen & (pl.max_horizontal("first_session", pl.lit(since)) < earliest)
    found = where(
        rows.with_columns(silent=silent, is_older=is_older),
        (pl.col("silent") > rules.relisted_after) | pl.col("is_older"),
    )
    before = pl.coalesce(
        pl.when(~pl.col("is_older")).then(
            pl.format("{} days after that of {} at {}", "silent", "last", pl.col("last_close").round(4))
        ),
        pl.lit("after more than two years without one"),
    )
    return found.select(
        "symbol",
        "date",
        kind=pl.lit("relisted"),
        value=pl.col("silent").cast(pl.Float64),
        message=pl.format(
            "a bar at {}, {}: taken for another listing, whose features start anew; if it is another company, give the "
            "earlier one a symbol of its own, and if it is the same, raise quality.relisted_after ({} days)",
            pl.col("close").round(4),
            before,
            pl.lit(rules.relisted_after),
        ),
    )
