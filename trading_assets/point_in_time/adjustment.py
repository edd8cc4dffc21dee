"""Corporate-action adjustment of raw bars without knowledge of the future.

Why forward and not backward. The usual backward adjustment divides *earlier* prices by a later split, so every split
rewrites the whole history: a file downloaded today shows for 2014 a price that nobody saw in 2014, and its values
(with them every price-dependent feature, rank and filter) change whenever the company acts again. Forward adjustment
keeps the first bar as it was traded and scales the *later* ones by the splits that have already happened. A value of
date d uses actions with ``ex_date <= d`` only; appending bars or actions never changes an earlier value, not even in
the last bit. Returns between any two dates are the same either way. `trading_assets.point_in_time.backward_adjustment`
gives the prices that a vendor showed on a day.
"""

from collections.abc import Sequence

import polars as pl

from trading_assets.point_in_time.order import in_order

_PRICES = ("open", "high", "low", "close")
_KINDS = ("split", "dividend")
_RATIO, _CASH, _LAST_CLOSE = "_split_ratio", "_cash_per_old_share", "_last_close"


def forward_adjust(bars: pl.DataFrame, actions: pl.DataFrame, *, dividends: bool = False) -> pl.DataFrame:
    """Adjust raw bars for the splits (and dividends) that happened up to each bar.

    Parameters
    ----------
    bars
        Raw bars: symbol, date, open, high, low, close, volume and any further columns, one row per symbol and date.
    actions
        Corporate actions: symbol, ex_date, kind ("split" or "dividend"), value. An ex_date without a bar takes effect
        at the symbol's next bar; one after the last bar has no effect. Splits before the first bar count, so prices do
        not depend on where the read of the bars started.
    dividends
        Also reinvest each dividend D at the close before its ex-date: the price factor is multiplied by
        ``1 / (1 - D / previous_close)``. Needs the previous bar, so the base of the dividend factor is the first bar
        and dividends that fall on it are not reinvested. Where a split takes effect together with a dividend, D is per
        share held on its own ex-date, after the split of that day.

    Returns
    -------
    polars.DataFrame
        The bars sorted by symbol and date: prices multiplied by the factor, volume (Float64) divided by the split
        factor alone, since a dividend changes no share count.

    Raises
    ------
    ValueError
        A split ratio that is not positive, an unknown kind, or a dividend not below the previous close.

    Notes
    -----
    ``1 - D / previous_close`` is the dividend multiplier of the vendors' "adjusted close", which they apply to prices
    before the ex-date; here its reciprocal is applied to the prices from the ex-date on, with the same total returns.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2005, 2, 25), date(2005, 2, 28)]
    >>> prices = {name: [88.0, 44.5] for name in ("open", "high", "low", "close")}
    >>> bars = pl.DataFrame({"symbol": ["AAPL"] * 2, "date": days, **prices, "volume": [100, 300]})
    >>> split = pl.DataFrame({"symbol": ["AAPL"], "ex_date": days[1:], "kind": ["split"], "value": [2.0]})
    >>> forward_adjust(bars, split)["close"].to_list()
    [88.0, 89.0]
    """
    return _adjust(bars, actions, by=("symbol",), base_is_first_row=False, dividends=dividends)


def forward_adjust_blocks(
    blocks: pl.DataFrame, actions: pl.DataFrame, *, dividends: bool = False, time: str = "date"
) -> pl.DataFrame:
    """Adjust every look-back block separately, with the block's first row as base.

    The factor counts only actions after the block's first row, so that the bits of a block do not depend on how much
    history, or how many earlier actions, were read around it.

    Parameters
    ----------
    blocks
        Rows of `trading_assets.point_in_time.blocks.lookback_blocks`: the columns of bars plus ``block``.
    actions, dividends
        As in `forward_adjust`.
    time
        Column that orders the rows of a symbol; where a date has several rows, an action takes effect at the first.

    Returns
    -------
    polars.DataFrame
        The blocks sorted by symbol, block and time, adjusted as in `forward_adjust`.

    Raises
    ------
    ValueError
        As in `forward_adjust`.
    """
    by = ("symbol", "block")
    return _adjust(blocks, actions, by=by, base_is_first_row=True, dividends=dividends, time=time)


def check_actions(actions: pl.DataFrame) -> None:
    """Raise an error for actions that cannot be applied.

    Raises
    ------
    ValueError
        Names the first action that is neither a split with a positive ratio nor a dividend of at least zero.
    """
    split, value = pl.col("kind") == "split", pl.col("value")
    usable = pl.col("kind").is_in(_KINDS) & value.is_finite() & pl.when(split).then(value > 0).otherwise(value >= 0)
    wrong = actions.filter(~usable.fill_null(value=False))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise ValueError(
            f"{wrong.height} unusable corporate action(s), first: {row['symbol']} {row['ex_date']} {row['kind']} "
            f"{row['value']}; a split needs a ratio > 0 (new shares per old), a dividend an amount >= 0: correct or "
            "quarantine the row in market_data.corporate_actions"
        )


def _adjust(
    frame: pl.DataFrame,
    actions: pl.DataFrame,
    *,
    by: Sequence[str],
    base_is_first_row: bool,
    dividends: bool,
    time: str = "date",
) -> pl.DataFrame:
    check_actions(actions)
    # most names of a panel have no actions: adjusting them would be half of the work
    acted_on = frame.select(pl.col("symbol").is_in(actions["symbol"].unique().implode())).to_series()
    others = frame.filter(~acted_on) if acted_on.any() else frame
    others = others.with_columns(pl.col("volume").cast(pl.Float64))
    if not acted_on.any():
        return in_order(others, [*by, time])
    own = frame.filter(acted_on)
    adjusted = _adjust_all(own, actions, by=by, base_is_first_row=base_is_first_row, dividends=dividends, time=time)
    return in_order(pl.concat([adjusted.select(others.columns), others]), [*by, time])


def _adjust_all(
    frame: pl.DataFrame,
    actions: pl.DataFrame,
    *,
    by: Sequence[str],
    base_is_first_row: bool,
    dividends: bool,
    time: str,
) -> pl.DataFrame:
    rows = in_order(frame, [*by, time]).join(
        _effects(frame, actions), on=["symbol", "date"], how="left", maintain_order="left"
    )
    if time != "date":
        again = pl.col("date") == pl.col("date").shift(1).over(by)
        rows = rows.with_columns(pl.when(~again.fill_null(value=False)).then(pl.col(_RATIO, _CASH)))
    rows = rows.with_columns(
        pl.col(_RATIO).fill_null(1.0),
        pl.col(_CASH).fill_null(0.0),
        pl.col("close").shift(1).over(by).alias(_LAST_CLOSE),
    )
    if base_is_first_row:
        first = pl.col(_LAST_CLOSE).is_null()
        rows = rows.with_columns(pl.when(first).then(1.0).otherwise(pl.col(_RATIO)).alias(_RATIO))
    split_factor = pl.col(_RATIO).cum_prod().over(by)
    price_factor = split_factor
    if dividends:
        _check_dividends(rows)
        reinvested = 1.0 / (1.0 - pl.col(_CASH) / pl.col(_LAST_CLOSE).fill_null(float("inf")))
        price_factor = (pl.col(_RATIO) * reinvested).cum_prod().over(by)
    return rows.with_columns(pl.col(*_PRICES) * price_factor, pl.col("volume").cast(pl.Float64) / split_factor).drop(
        _RATIO, _CASH, _LAST_CLOSE
    )


def _effects(frame: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Split ratio and cash per share held before, for each bar on which an action takes effect."""
    sessions = frame.select("symbol", "date").unique().sort("symbol", "date")
    # kind descending: a split on the dividend's own ex-date comes first, as the dividend is per new share
    ordered = actions.select("symbol", "ex_date", "kind", "value").sort(
        "symbol", "ex_date", "kind", "value", descending=[False, False, True, False]
    )
    by_date = ordered.sort("ex_date", maintain_order=True)
    effective = by_date.join_asof(
        sessions.sort("date"),
        left_on="ex_date",
        right_on="date",
        by="symbol",
        strategy="forward",
        check_sortedness=False,
    )
    bar = ["symbol", "date"]
    ratio = pl.when(pl.col("kind") == "split").then(pl.col("value")).otherwise(1.0)
    cash = pl.when(pl.col("kind") == "dividend").then(pl.col("value")).otherwise(0.0)
    return (
        effective.drop_nulls("date")
        .with_columns(ratio.alias(_RATIO), cash.alias(_CASH))
        .with_columns((pl.col(_CASH) * pl.col(_RATIO).cum_prod().over(bar)).alias(_CASH))
        .group_by(bar, maintain_order=True)
        .agg(pl.col(_RATIO).product(), pl.col(_CASH).sum())
    )


def _check_dividends(rows: pl.DataFrame) -> None:
    wrong = rows.filter((pl.col(_CASH) > 0) & (pl.col(_CASH) >= pl.col(_LAST_CLOSE)))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise ValueError(
            f"dividend of {row[_CASH]} on {row['symbol']} effective {row['date']} is not below the previous close "
            f"{row[_LAST_CLOSE]}: correct the amount in market_data.corporate_actions or adjust with dividends=False"
        )
