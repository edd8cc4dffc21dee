"""Corporate actions as factors between one bar and the next, and prices that a chain of such factors adjusts.

A factor belongs to the bar at which the action takes effect and is known with it. The chain may begin at any bar, so
that the rows of a block are adjusted from the block alone, with the same bits whatever is read around it. The product
of the factors is the forward adjustment of `trading_assets.point_in_time.adjustment`, with dividends reinvested.
"""

import polars as pl

from trading_assets.point_in_time.adjustment import check_actions
from trading_assets.point_in_time.backward_adjustment import adjustment_steps
from trading_assets.point_in_time.order import in_order

PRICE_STEP, SHARE_STEP = "price_step", "share_step"
_PRICES = ("open", "high", "low", "close")


def price_steps(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Add to each bar what happened to a share since the bar before.

    Parameters
    ----------
    bars
        Raw bars: symbol, date, close and any further columns, one row per symbol and date.
    actions
        Corporate actions: symbol, ex_date, kind ("split" or "dividend"), value. One whose ex_date has no bar takes
        effect at the symbol's next bar; those before its first bar have no effect.

    Returns
    -------
    polars.DataFrame
        The bars sorted by symbol and date, with ``share_step``: shares that one share of the bar before became,
        and ``price_step``: that times 1 / (1 - dividends / close of the bar before). Both are 1 where nothing happened.

    Raises
    ------
    ValueError
        An action that cannot be applied, or dividends that are not below the previous close.
    """
    check_actions(actions)
    rows = in_order(bars, ["symbol", "date"])
    steps = adjustment_steps(rows, actions).select(
        "symbol",
        "date",
        (pl.col("ratio") / (1.0 - pl.col("cash") / pl.col("close"))).alias(PRICE_STEP),
        pl.col("ratio").alias(SHARE_STEP),
    )
    return rows.join(steps, on=["symbol", "date"], how="left", maintain_order="left").with_columns(
        pl.col(PRICE_STEP, SHARE_STEP).shift(1).over("symbol").fill_null(1.0)
    )


def adjusted_from_first_row(rows: pl.DataFrame) -> pl.DataFrame:
    """Adjust prices and volume to the scale of each symbol's first row.

    Parameters
    ----------
    rows
        Consecutive rows of `price_steps`, sorted by symbol and date, with any of open, high, low, close and volume.

    Returns
    -------
    polars.DataFrame
        The rows with prices times the product of the price steps since the symbol's first row, volume (Float64) divided
        by that of the share steps; without the steps. A value depends on no later row.
    """
    is_first = pl.col("symbol") != pl.col("symbol").shift(1)
    since_first = pl.when(is_first.fill_null(value=True)).then(1.0).otherwise(pl.col(PRICE_STEP, SHARE_STEP))
    chained = rows.with_columns(since_first.name.keep()).with_columns(
        pl.col(PRICE_STEP, SHARE_STEP).cum_prod().over("symbol")
    )
    prices = [pl.col(name) * pl.col(PRICE_STEP) for name in _PRICES if name in rows.columns]
    volume = [pl.col(name).cast(pl.Float64) / pl.col(SHARE_STEP) for name in ("volume",) if name in rows.columns]
    return chained.with_columns(*prices, *volume).drop(PRICE_STEP, SHARE_STEP)
