"""Jumps of prices that look like a split nobody has recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from trading_assets.point_in_time.backward_adjustment import adjustment_steps

__all__ = ["JumpRules", "split_like_jumps"]

_FORWARD = {5 / 4: "5-for-4", 3 / 2: "3-for-2", **{float(new): f"{new}-for-1" for new in (2, 3, 4, 5, 7, 10, 20)}}
_REVERSE = {1 / old: f"1-for-{old}" for old in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 20, 25, 30, 35, 40, 50, 100)}
# Distances of logarithms: open from ratio (at most, by kind of ratio), then close from ratio.
_LEAST_TOLERANCE, _MOST_TOLERANCE, _MOST_TOLERANCE_REVERSE, _SMALL_TOLERANCE = 0.02, 0.08, 0.15, 0.01
_DRIFT, _DRIFT_REVERSE, _SMALL_DRIFT, _MIDDLE_DRIFT, _MIDDLE = 0.15, 0.3, 0.03, 0.08, 1.9
_HALF_A_TICK = 0.005
_SCHEMA = {"symbol": pl.String, "date": pl.Date, "ratio": pl.Float64, "message": pl.String}


@dataclass(frozen=True, slots=True)
class JumpRules:
    """When a jump looks like a split and not like news.

    A split changes the price by a simple ratio and nothing else: the value traded is that of other days, and the close
    stays near the open. News move the price by any amount, with a multiple of the usual value traded. Reverse splits
    happen to small companies in trouble, which trade wildly around them, but hardly anything else multiplies a price
    overnight.

    Attributes
    ----------
    window, least_history : int
        Sessions before the jump over which the usual medians are taken, and how many of them there must be.
    least_volume : float
        Least usual volume per session, in shares; thinner symbols move by any ratio on a few shares.
    least_moves : float
        Least size of the jump in usual daily moves (medians of absolute returns).
    most_value, most_value_reverse : float
        Most value traded in the session, as a multiple of the usual.
    most_value_small, small : float
        The same for ratios below `small`, where most jumps are news.
    """

    window: int = 20
    least_history: int = 5
    least_volume: float = 5_000.0
    least_moves: float = 8.0
    most_value: float = 2.5
    most_value_reverse: float = 20.0
    most_value_small: float = 1.2
    small: float = 1.4


def split_like_jumps(bars: pl.DataFrame, actions: pl.DataFrame, rules: JumpRules | None = None) -> pl.DataFrame:
    """Overnight jumps near a usual split ratio that no recorded action explains.

    Parameters
    ----------
    bars
        Raw daily bars: symbol, date, open, close, volume.
    actions
        Corporate actions: symbol, ex_date, kind, value.
    rules
        Limits; their defaults if None.

    Returns
    -------
    polars.DataFrame
        symbol, date (first session at the new price), ratio (new shares per old share), message; sorted by symbol and
        date. The result for a session depends only on it and on earlier ones.

    Notes
    -----
    Price evidence: after adjusting for the recorded actions, the logarithm of previous close over open is within three
    usual daily moves of that of a ratio, at least 2 % and at most 8 % (15 % for reverse splits, 1 % below `small`),
    plus half a tick of the previous close; and the close is near it as well. Volume evidence: see `JumpRules`.
    """
    limits = rules or JumpRules()
    rows = bars.select("symbol", "date", "open", "close", "volume").sort("symbol", "date")
    candidates = _candidates(rows, actions)
    if candidates.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    usual = _usual(rows.join(candidates, on="symbol", how="semi", maintain_order="left"), limits)
    judged = candidates.join(usual, on=["symbol", "date"]).join(_ratios(limits), how="cross")
    nearest = pl.col("distance") == pl.col("distance").min().over("symbol", "date")
    found = judged.with_columns(distance=(pl.col("jump") - pl.col("log_ratio")).abs()).filter(nearest)
    return (
        found.filter(
            pl.col("distance") <= _tolerance(),
            (pl.col("jump_to_close") - pl.col("log_ratio")).abs() <= pl.col("most_drift"),
            pl.col("value") <= pl.col("most_value") * pl.col("usual_value"),
            pl.col("usual_volume") >= limits.least_volume,
            pl.col("usual_move") > 0,
            pl.col("jump").abs() >= limits.least_moves * pl.col("usual_move"),
        )
        .unique(["symbol", "date"], keep="first", maintain_order=True)
        .sort("symbol", "date")
        .select("symbol", "date", "ratio", _message())
    )


def _candidates(rows: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Bars whose open is far from the action-adjusted previous close."""
    steps = adjustment_steps(rows, actions).select("symbol", "date", "ratio", "cash")
    shares, cash = pl.col("ratio").fill_null(1.0), pl.col("cash").fill_null(0.0)
    before = pl.when(cash < pl.col("close")).then((pl.col("close") - cash) / shares)
    far = pl.col("jump").abs() > math.log(min(_FORWARD)) - _MOST_TOLERANCE
    return (
        rows.join(steps, on=["symbol", "date"], how="left", maintain_order="left")
        .with_columns(before=before.shift(1).over("symbol"))
        .filter((pl.col("open") > 0) & (pl.col("close") > 0) & (pl.col("before") > 0))
        .with_columns(
            jump=(pl.col("before") / pl.col("open")).log(),
            jump_to_close=(pl.col("before") / pl.col("close")).log(),
            value=pl.col("close") * pl.col("volume"),
        )
        .filter(far)
        .drop("ratio", "cash", "volume")
    )


def _usual(rows: pl.DataFrame, limits: JumpRules) -> pl.DataFrame:
    """Medians of the sessions before each bar."""
    measures = {
        "usual_move": (pl.col("close") / pl.col("close").shift(1).over("symbol")).log().abs(),
        "usual_value": pl.col("close") * pl.col("volume"),
        "usual_volume": pl.col("volume").cast(pl.Float64),
    }
    return rows.with_columns(**measures).select(
        "symbol",
        "date",
        *(
            pl.col(name).rolling_median(limits.window, min_samples=limits.least_history).shift(1).over("symbol")
            for name in measures
        ),
    )


def _ratios(limits: JumpRules) -> pl.DataFrame:
    """Usual ratios with the tolerances of each."""
    reverse = _MOST_TOLERANCE_REVERSE, _DRIFT_REVERSE, limits.most_value_reverse
    rows: list[tuple[float, str, float, float, float]] = [(ratio, name, *reverse) for ratio, name in _REVERSE.items()]
    for ratio, name in _FORWARD.items():
        if ratio < limits.small:
            rows.append((ratio, name, _SMALL_TOLERANCE, _SMALL_DRIFT, limits.most_value_small))
        else:
            drift = _MIDDLE_DRIFT if ratio < _MIDDLE else _DRIFT
            rows.append((ratio, name, _MOST_TOLERANCE, drift, limits.most_value))
    names = ["ratio", "name", "most_tolerance", "most_drift", "most_value"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(log_ratio=pl.col("ratio").log())


def _tolerance() -> pl.Expr:
    moves = (3 * pl.col("usual_move")).clip(lower_bound=_LEAST_TOLERANCE)
    return pl.min_horizontal(moves, "most_tolerance") + (_HALF_A_TICK / pl.col("before")).clip(upper_bound=0.1)


def _message() -> pl.Expr:
    return pl.format(
        "opened at {} after {}, adjusted for recorded actions: like a {} split, with {} times the usual value traded. "
        "Add the action to the source's corporate actions, correct its ex-date, or correct the bar",
        pl.col("open").round(4),
        pl.col("before").round(4),
        "name",
        (pl.col("value") / pl.col("usual_value")).round(1),
    ).alias("message")
