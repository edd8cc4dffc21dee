"""Returns that are too large for what a symbol did before."""

from __future__ import annotations

import polars as pl

from trading_assets.desk.configuration import QualityRules
from trading_assets.market_data.quality._shape import where

# Makes the median of absolute values of a normal distribution its standard deviation.
_NORMAL = 1.4826


def outliers(placed: pl.DataFrame, actions: pl.DataFrame, rules: QualityRules) -> pl.DataFrame:
    """Find bars whose return exceeds `outlier_scales` times the usual move of the sessions before.

    The usual move is the median of the absolute log returns of the last `window_sessions` sessions, scaled to a
    standard deviation and at least `scale_floor`; over a gap it grows with the square root of the sessions. A real
    crash is an outlier too: the message says whether the volume supports it. The return from a single wrong price to
    the usual level is not listed again.

    Parameters
    ----------
    placed : polars.DataFrame
        Bars with the number of their session, sorted by symbol and session.
    actions : polars.DataFrame
        Corporate actions: symbol, ex_date, kind, value.
    rules : QualityRules
        Limits.
    """
    window = f"{rules.window_sessions}i"
    root = pl.col("apart").sqrt()
    move, volume = pl.col("log_return").abs() / root, pl.col("volume").cast(pl.Float64)
    middle = move.rolling_median_by("session", window, min_samples=rules.min_returns, closed="left").over("symbol")
    judged = (
        _returns(placed, actions, rules)
        .with_columns(
            usual_move=(_NORMAL * middle).clip(lower_bound=rules.scale_floor) * root,
            usual_volume=volume.rolling_median_by("session", window, closed="left").over("symbol"),
        )
        .with_columns(limit=rules.outlier_scales * pl.col("usual_move"))
        .with_columns(is_large=pl.col("log_return").abs() > pl.col("limit"))
    )
    # Null in the first row of a symbol, whose return is null as well.
    is_reversal = pl.col("is_large").shift(1) & (
        (pl.col("log_return") + pl.col("log_return").shift(1)).abs() <= pl.col("limit")
    )
    listed = where(judged, pl.col("is_large") & ~is_reversal.fill_null(value=False))
    return listed.with_columns(verdict=_verdict(rules)).select(
        "symbol", "date", kind=pl.lit("outlier"), value=pl.col("log_return").exp() - 1, message=_message()
    )


def _returns(placed: pl.DataFrame, actions: pl.DataFrame, rules: QualityRules) -> pl.DataFrame:
    """Log return of each bar from the previous one, including splits and dividends in between."""
    rows = placed.select("symbol", "date", "session", "close", "volume").join(
        _effects(placed, actions), on=["symbol", "date"], how="left", maintain_order="left"
    )
    # A bar further back than the window counts as none: otherwise a value would depend on how much was read.
    apart = pl.col("session") - pl.col("session").shift(1)
    is_next = (pl.col("symbol") == pl.col("symbol").shift(1)) & (apart <= rules.window_sessions)
    worth = (pl.col("close") + pl.col("cash").fill_null(0.0)) * pl.col("ratio").fill_null(1.0)
    return rows.with_columns(
        apart=pl.when(is_next).then(apart), log_return=pl.when(is_next).then((worth / pl.col("close").shift(1)).log())
    )


def _effects(placed: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Split ratio and cash of each bar on which an action takes effect: the first bar from its ex-date on."""
    days = placed.select("symbol", "date").with_columns(bar="date").sort("date")
    effective = actions.sort("ex_date").join_asof(
        days, left_on="ex_date", right_on="date", by="symbol", strategy="forward", check_sortedness=False
    )
    is_split = pl.col("kind") == "split"
    return (
        effective.drop_nulls("bar")
        .group_by("symbol", date="bar")
        .agg(ratio=pl.col("value").filter(is_split).product(), cash=pl.col("value").filter(~is_split).sum())
    )


def _verdict(rules: QualityRules) -> pl.Expr:
    times = pl.col("volume") / pl.col("usual_volume")
    return (
        pl.when(times >= rules.confirming_volume, times.is_finite())
        .then(pl.format("looks real: its volume is {} times the median", times.round(1)))
        .when(times.is_finite())
        .then(pl.format("its volume is only {} times the median: compare with another source", times.round(1)))
        .otherwise(pl.lit("no usual volume to judge by: compare with another source"))
    )


def _message() -> pl.Expr:
    return pl.format(
        "close {} is {} % from the bar before, {} times the usual move of {} %; {}",
        pl.col("close").round(4),
        ((pl.col("log_return").exp() - 1) * 100).round(1),
        (pl.col("log_return").abs() / pl.col("usual_move")).round(1),
        (pl.col("usual_move") * 100).round(1),
        "verdict",
    )
