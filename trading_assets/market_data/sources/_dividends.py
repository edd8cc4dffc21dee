"""Dividends of files: those of one ex-date add up, and one that is not below the close is rejected."""

from __future__ import annotations

import polars as pl

from trading_assets.desk import calendar
from trading_assets.lake.contracts.contract import DUPLICATE, REJECTED
from trading_assets.market_data.contract.bars import TOO_LARGE
from trading_assets.point_in_time.backward_adjustment import steps_between_bars

__all__ = ["add_up", "reject_large"]

_DAY = ("symbol", "ex_date", "kind")


def add_up(actions: pl.DataFrame, *, further: str) -> pl.DataFrame:
    """Add up the dividends of one symbol and ex-date, for instance a regular and a special one.

    Rows that are identical in every column of their file are one action that is listed twice: the first counts, and the
    others are rejected as duplicates. Rows that differ in any column, be it the amount, the type or the day of payment,
    are different dividends. The sum counts as known when the last of them is.

    Parameters
    ----------
    actions
        Corporate actions with a column `REJECTED`.
    further
        Column that holds what the file says beyond the columns of a corporate action.

    Returns
    -------
    polars.DataFrame
        The actions without the column `further`; those that cannot be added are as they were.
    """
    is_read = pl.all_horizontal(
        pl.col("symbol", "ex_date", "known_at").is_not_null(), _is_amount(), pl.col(REJECTED).is_null()
    ).fill_null(value=False)
    is_again = is_read & ~pl.struct(pl.exclude("raw", REJECTED)).is_first_distinct()
    rows = actions.with_columns(_is_read=is_read, _is_again=is_again)
    is_added = pl.col("_is_read") & ~pl.col("_is_again") & (pl.col("kind") == "dividend").fill_null(value=False)
    rest = rows.filter(~is_added).with_columns(
        pl.when("_is_again").then(pl.lit(DUPLICATE)).otherwise(REJECTED).alias(REJECTED)
    )
    sums = (
        rows.filter(is_added)
        .group_by(_DAY, maintain_order=True)
        .agg(pl.col("value").sum(), pl.col("known_at").max(), pl.col("source", "raw", REJECTED).first())
    )
    columns = [name for name in actions.columns if name != further]
    return pl.concat([rest.select(columns), sums.select(columns)])


def reject_large(actions: pl.DataFrame, bars: pl.DataFrame, *, exchange: str) -> pl.DataFrame:
    """Reject dividends that are not below the close before their ex-date: no price is left to adjust.

    Parameters
    ----------
    actions
        Corporate actions with a column `REJECTED`.
    bars
        Raw bars of the symbols: symbol, date and close, in the order of time; those of no session do not count.
    exchange
        Calendar code.
    """
    split = pl.col("kind") == "split"
    is_applied = pl.col(REJECTED).is_null() & _is_amount() & (split | (pl.col("kind") == "dividend"))
    applied = actions.filter(is_applied & pl.col("symbol").is_not_null() & pl.col("ex_date").is_not_null())
    first = calendar.first_session(exchange)
    is_session = pl.col("date").is_in(calendar.sessions(exchange, first, calendar.last_session(exchange)))
    closes = bars.filter(is_session | (pl.col("date") < first), pl.col("close").is_finite(), pl.col("close") > 0)
    steps = steps_between_bars(closes, applied)
    wrong = steps.filter(pl.col("cash") >= pl.col("close")).select("symbol", date="date", before="close")
    if wrong.is_empty():
        return actions
    last = closes.select("symbol", day="date").unique().sort("symbol", "day")
    placed = (
        actions.with_row_index("_row")
        .sort("ex_date", nulls_last=True)
        .join_asof(
            last.sort("day"), left_on="ex_date", right_on="day", by="symbol", strategy="backward",
            allow_exact_matches=False, check_sortedness=False,
        )
        .join(wrong, left_on=["symbol", "day"], right_on=["symbol", "date"], how="left")
        .sort("_row")
    )  # fmt: skip
    rule = pl.format(
        TOO_LARGE + " of {} is not below {}, the close of {}; correct its amount or its ex-date",
        "value",
        "before",
        "day",
    )
    is_wrong = pl.col("before").is_not_null() & is_applied & ~split
    return placed.with_columns(pl.when(is_wrong).then(rule).otherwise(pl.col(REJECTED)).alias(REJECTED)).select(
        actions.columns
    )


def _is_amount() -> pl.Expr:
    return (pl.col("value") > 0) & pl.col("value").is_finite()
