"""Laws of features on made-up bars: no look-ahead, nothing beyond the look-back, no scale, reproducible bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from trading_assets.features.feature_set import PRICES, FeatureSet, Interval
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets.point_in_time.warm_up import warmup_violations
from trading_assets.testing.bars import made_bars

CUTS = 20
"""Moments at which history is cut."""
ALL = 5_000
"""A history longer than that of any made-up bars."""
_TOLERANCE = 1e-9
_POISON_SEED = 11


def look_ahead(sets: Sequence[FeatureSet], interval: Interval) -> pl.DataFrame:
    """Values that change when the future of one of the cuts is removed or falsified."""
    made = made_bars(interval)
    moments = made.bars.filter(pl.col("date").is_between(made.start, made.end))[made.time]
    return lookahead_violations(
        lambda frames: made.features(sets, frames),
        made.inputs,
        known_on=made.known_on,
        key=made.key,
        date_column=made.time,
        cuts=pick_cuts(moments, CUTS),
        poison_seed=_POISON_SEED,
    )


def warm_up(
    sets: Sequence[FeatureSet], interval: Interval, lookback: Mapping[str, int] | None = None, probes: int = 1
) -> pl.DataFrame:
    """Values that change with the history before what each feature declares, in double precision."""
    made = made_bars(interval)
    moments = made.bars.filter(pl.col("date").is_between(made.start, made.end))[made.time].unique().sort()
    return warmup_violations(
        lambda frames: made.features(sets, frames, history=ALL),
        made.inputs,
        history={"bars": made.time},
        lookback=lookback or {name: one.lookback for each in sets for name, one in each.of(interval).items()},
        probes=pick_cuts(moments, probes),
        key=made.key,
        date_column=made.time,
    )


def scale(sets: Sequence[FeatureSet], interval: Interval) -> list[str]:
    """Features that change when prices are four times as high and volumes a fourth."""
    made = made_bars(interval)
    scaled = made.bars.with_columns(pl.col(PRICES) * 4.0, volume=pl.col("volume").cast(pl.Float64) / 4.0)
    before = made.features(sets, made.inputs, history=ALL)
    after = made.features(sets, replace(made, bars=scaled).inputs, history=ALL)
    names = [name for name in before.columns if name not in made.key]
    differs = [
        ((pl.col(name) - after[name]).abs() > _TOLERANCE * pl.max_horizontal(pl.col(name).abs(), 1.0)).any().alias(name)
        for name in names
    ]
    return [name for name, wrong in before.select(differs).row(0, named=True).items() if wrong]


def unrepeatable(sets: Sequence[FeatureSet], interval: Interval) -> list[str]:
    """Features that have other bits when they are computed again, of fewer names."""
    made = made_bars(interval)
    wanted = made.bars["symbol"].max()
    is_wanted = pl.col("symbol") == wanted
    before = made.features(sets, made.inputs).filter(is_wanted)
    alone = {name: frame.filter(is_wanted) for name, frame in made.inputs.items()}
    after = made.features(sets, alone)
    return [name for name in before.columns if not before[name].equals(after[name])]


def unknown(sets: Sequence[FeatureSet], interval: Interval) -> list[str]:
    """Features without any value."""
    made = made_bars(interval)
    values = made.features(sets, made.inputs)
    return [name for name in values.columns if values[name].null_count() == values.height]
