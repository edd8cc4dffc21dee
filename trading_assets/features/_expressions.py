"""Technical features as Polars expressions over the rows of look-back blocks.

Two rules keep every value a pure function of its block, bit for bit. Whatever accumulates (sums, means, deviations)
runs ``over`` the block. Whatever only selects values (shifts, minima, maxima) may run over the whole column at once and
is blanked where its window would reach before the block's first row.

A window without movement or trading has an exact test (on maximum and minimum) and a documented neutral value: 0/0 has
none, and the residue that a rolling mean keeps of values that have left its window would pass for one.
"""

import math

import polars as pl

SPAN = "_span"
POSITION = "_position"

_YEAR = math.sqrt(252.0)
_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = (pl.col(name) for name in ("open", "high", "low", "close", "volume"))
_RETURN = pl.col("log_return_1")
_ILLIQUIDITY = pl.col("_illiquidity")
_SIGNED_VOLUME = pl.col("_signed_volume")


def _filled(values: pl.Expr, rows: int) -> pl.Expr:
    """Blank the values whose window of `rows` rows starts before the block does."""
    return pl.when(pl.col(POSITION) >= rows - 1).then(values)


def _before(values: pl.Expr, rows: int) -> pl.Expr:
    return _filled(values.shift(rows), rows + 1)


def _high(values: pl.Expr, window: int) -> pl.Expr:
    return _filled(values.rolling_max(window, min_samples=1), window)


def _low(values: pl.Expr, window: int) -> pl.Expr:
    return _filled(values.rolling_min(window, min_samples=1), window)


def _mean(values: pl.Expr, window: int) -> pl.Expr:
    return values.rolling_mean(window).over(SPAN)


def _deviation(values: pl.Expr, window: int, *, ddof: int = 1) -> pl.Expr:
    return values.rolling_std(window, ddof=ddof).over(SPAN)


def _is_flat(values: pl.Expr, window: int) -> pl.Expr:
    return values.rolling_max(window, min_samples=1) == values.rolling_min(window, min_samples=1)


def _guarded(values: pl.Expr, degenerate: pl.Expr, neutral: float) -> pl.Expr:
    """Replace values of degenerate windows by the neutral one; what is still warming up stays null."""
    return pl.when(values.is_not_null() & degenerate).then(neutral).otherwise(values)


def _realised_volatility(window: int) -> pl.Expr:
    return _deviation(_RETURN, window) * _YEAR


def _range_volatility(daily_variance: pl.Expr) -> pl.Expr:
    without_range = pl.col("_squared_range").rolling_max(21, min_samples=1) <= 0.0
    return _guarded(_mean(daily_variance, 21).clip(lower_bound=0.0).sqrt(), without_range, 0.0) * _YEAR


def _untraded(window: int) -> pl.Expr:
    return _VOLUME.rolling_max(window, min_samples=1) <= 0.0


def returns() -> list[pl.Expr]:
    """Log returns of the closes: every other expression builds on them."""
    log_close = _CLOSE.log()
    return [
        (log_close - _before(log_close, window)).alias(f"log_return_{window}")
        for window in (1, 5, 10, 21, 63, 126, 252)
    ]


def ingredients() -> list[pl.Expr]:
    """Per-session columns, named with an underscore, that the rolling features average.

    A session without volume has no price impact to measure and counts as zero.
    """
    traded = _VOLUME > 0.0
    return [
        pl.when(traded | _RETURN.is_null())
        .then(_RETURN.abs() / (_CLOSE * _VOLUME))
        .otherwise(0.0)
        .alias("_illiquidity"),
        (_RETURN.sign() * _VOLUME).alias("_signed_volume"),
        (_HIGH.log() - _LOW.log()).pow(2).alias("_squared_range"),
        (_CLOSE.log() - _OPEN.log()).pow(2).alias("_squared_body"),
    ]


def price_features() -> list[pl.Expr]:
    """Location, gap and volatility features; needs `returns` and `ingredients`."""
    middle, deviation = _mean(_CLOSE, 20), _deviation(_CLOSE, 20, ddof=0)
    squared_range, squared_body = pl.col("_squared_range"), pl.col("_squared_body")
    skew = _RETURN.rolling_skew(63).over(SPAN)
    skew_bound = 61.0 / math.sqrt(62.0)  # largest skewness 63 values can have
    return [
        (_CLOSE / _high(_HIGH, 252) - 1.0).alias("distance_to_high_252"),
        (_CLOSE / _low(_LOW, 252) - 1.0).alias("distance_to_low_252"),
        (_OPEN.log() - _before(_CLOSE.log(), 1)).alias("overnight_gap"),
        *(_realised_volatility(window).alias(f"realised_volatility_{window}") for window in (10, 21, 63)),
        _range_volatility(squared_range / (4.0 * math.log(2.0))).alias("parkinson_volatility_21"),
        _range_volatility(0.5 * squared_range - (2.0 * math.log(2.0) - 1.0) * squared_body).alias(
            "garman_klass_volatility_21"
        ),
        _guarded(0.5 + (_CLOSE - middle) / (4.0 * deviation), _is_flat(_CLOSE, 20), 0.5).alias("bollinger_position_20"),
        (4.0 * deviation / middle).alias("bollinger_width_20"),
        _guarded(skew.clip(-skew_bound, skew_bound), _is_flat(_RETURN, 63), 0.0).alias("return_skew_63"),
    ]


def volume_features() -> list[pl.Expr]:
    """Volume and liquidity features; needs `returns`, `ingredients` and TA-Lib's ``adosc_3_10`` in shares."""
    volume_z = (_VOLUME - _mean(_VOLUME, 63)) / _deviation(_VOLUME, 63)
    untraded, year_illiquidity = _untraded(21), _mean(_ILLIQUIDITY, 252)
    amihud = (_mean(_ILLIQUIDITY, 21) / year_illiquidity).clip(0.0, 12.0)
    obv_flow = (_mean(_SIGNED_VOLUME, 21) / _mean(_VOLUME, 21)).clip(-1.0, 1.0)
    adosc = pl.col("adosc_3_10") / _mean(_VOLUME, 21)
    return [
        _guarded(adosc, untraded, 0.0).alias("adosc_3_10"),
        _guarded(_VOLUME / _mean(_VOLUME, 21), untraded, 1.0).alias("volume_ratio_21"),
        _guarded(volume_z, _is_flat(_VOLUME, 63), 0.0).alias("volume_z_63"),
        _guarded(amihud, _ILLIQUIDITY.rolling_max(252, min_samples=1) <= 0.0, 1.0).alias("amihud_ratio_21_252"),
        _guarded(obv_flow, untraded, 0.0).alias("obv_flow_21"),
    ]
