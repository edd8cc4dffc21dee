"""Adjusted prices as a vendor's "adjusted close" showed them on a day: history in terms of that day's shares.

Backward adjustment scales the prices *before* an action, so the newest bar is as traded and every action rewrites what
came before it. That is what charts, vendors and people expect. It is not an input of models, since the value of a date
changes with the as-of date; `trading_assets.point_in_time.adjustment` is.

Both describe the same holdings: within one symbol they differ by a constant factor, so that returns between any two
bars are the same.
"""

from typing import Literal, get_args

import polars as pl

from trading_assets.point_in_time.adjustment import check_actions

Method = Literal["split", "dividend", "total_return"]
METHODS: tuple[str, ...] = get_args(Method)

_PRICES = ("open", "high", "low", "close")
_BAR = ["symbol", "date"]


def backward_adjust(bars: pl.DataFrame, actions: pl.DataFrame, *, method: Method = "split") -> pl.DataFrame:
    """Adjust raw bars for the actions that came after them.

    Parameters
    ----------
    bars
        Raw bars: symbol, date, open, high, low, close, volume, ``ts`` where they are shorter than a day, any further
        columns.
    actions
        Corporate actions: symbol, ex_date, kind ("split" or "dividend"), value. All are applied, those after the last
        bar too: for the prices as known on a day, pass the actions known on it.
    method
        "split": prices before a split of r new shares per old one are divided by r, volumes multiplied by it.
        "dividend": prices before the ex-date of a cash dividend D are multiplied by ``1 - D / previous close``,
        volumes are left alone. "total_return": both.

    Returns
    -------
    polars.DataFrame
        The bars sorted by symbol and time, volume as Float64.

    Raises
    ------
    ValueError
        An unknown method, an action that cannot be applied, or a dividend not below the previous close.

    Notes
    -----
    ``1 - D / previous close`` is the convention of CRSP and Yahoo. The previous close is that of the last bar before
    the ex-date, whichever session that is. D is per share held on its own ex-date: after a split of the same day, or
    of a day between that bar and the ex-date, it is converted to the shares of that bar.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2005, 2, 25), date(2005, 2, 28)]
    >>> prices = {name: [88.0, 44.5] for name in ("open", "high", "low", "close")}
    >>> bars = pl.DataFrame({"symbol": ["AAPL"] * 2, "date": days, **prices, "volume": [100, 300]})
    >>> split = pl.DataFrame({"symbol": ["AAPL"], "ex_date": days[1:], "kind": ["split"], "value": [2.0]})
    >>> backward_adjust(bars, split).select("close", "volume").rows()
    [(44.0, 200.0), (44.5, 300.0)]
    """
    if method not in METHODS:
        raise ValueError(f"there is no adjustment {method!r}; choose one of {', '.join(METHODS)}")
    check_actions(actions)
    rows = bars.sort("symbol", "ts" if "ts" in bars.columns else "date")
    steps = adjustment_steps(rows, actions)
    factors = _cumulated(steps, method)
    price, shares = pl.col("_price_factor").fill_null(1.0), pl.col("_share_factor").fill_null(1.0)
    return (
        rows.join_asof(factors, on="date", by="symbol", strategy="forward", check_sortedness=False)
        .with_columns(pl.col(*_PRICES) * price, pl.col("volume").cast(pl.Float64) * shares)
        .drop("_price_factor", "_share_factor")
    )


def adjustment_steps(rows: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """What happens to one share between a bar and the next, if every dividend is below the close.

    Parameters
    ----------
    rows, actions
        As in `steps_between_bars`.

    Returns
    -------
    polars.DataFrame
        As in `steps_between_bars`.

    Raises
    ------
    ValueError
        Dividends that are not below the close.
    """
    steps = steps_between_bars(rows, actions)
    _check_dividends(steps)
    return steps


def steps_between_bars(rows: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """What happens to one share between a bar and the next.

    Parameters
    ----------
    rows
        Raw bars, sorted by symbol and time.
    actions
        Corporate actions.

    Returns
    -------
    polars.DataFrame
        symbol, date and close of the last bar before the ex-dates; ratio: shares that one of its shares becomes;
        cash: dividends on it. Sorted by symbol and date; actions before the first bar have no row.
    """
    closes = (
        rows.join(actions.select("symbol").unique(), on="symbol", how="semi", maintain_order="left")
        .group_by(_BAR, maintain_order=True)
        .agg(pl.col("close").last())
    )
    # kind descending: a split of the dividend's own ex-date comes first, as the dividend is per new share
    ordered = actions.select("symbol", "ex_date", "kind", "value").sort(
        "symbol", "ex_date", "kind", "value", descending=[False, False, True, False]
    )
    split = pl.col("kind") == "split"
    return (
        ordered.join_asof(
            closes,
            left_on="ex_date",
            right_on="date",
            by="symbol",
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,
            coalesce=False,
        )
        .drop_nulls("date")
        .with_columns(
            ratio=pl.when(split).then("value").otherwise(1.0), cash=pl.when(split).then(0.0).otherwise("value")
        )
        .with_columns(cash=pl.col("cash") * pl.col("ratio").cum_prod().over(_BAR))
        .group_by(_BAR, maintain_order=True)
        .agg(pl.col("close").first(), pl.col("ratio").product(), pl.col("cash").sum())
        .sort(_BAR)
    )


def _cumulated(steps: pl.DataFrame, method: Method) -> pl.DataFrame:
    """Factors of the bars up to each step: the product of its own and all later ones."""
    split = 1.0 / pl.col("ratio")
    dividend = 1.0 - pl.col("cash") / pl.col("close")
    price = {"split": split, "dividend": dividend, "total_return": split * dividend}[method]
    shares = pl.lit(1.0) if method == "dividend" else pl.col("ratio")
    return (
        steps.with_columns(_price_factor=price, _share_factor=shares)
        .with_columns(pl.col("_price_factor", "_share_factor").cum_prod(reverse=True).over("symbol"))
        .select("symbol", "date", "_price_factor", "_share_factor")
    )


def _check_dividends(steps: pl.DataFrame) -> None:
    wrong = steps.filter((pl.col("cash") > 0) & (pl.col("cash") >= pl.col("close")))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise ValueError(
            f"dividend of {row['cash']} on {row['symbol']} after {row['date']} is not below that day's close "
            f"{row['close']}: correct the amount in market_data.corporate_actions or adjust by splits alone"
        )
