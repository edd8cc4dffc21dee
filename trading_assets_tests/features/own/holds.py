"""What every feature of your own must hold, and its values on bars that you write down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.features.compute import compute
from trading_assets.features.expressions import NAME, ExpressionSet
from trading_assets.features.sets import SETS
from trading_assets.point_in_time.explain import in_words
from trading_assets_tests.features import laws
from trading_assets_tests.point_in_time.sample import actions

Bar = tuple[float, float, float, float, float]


def assert_feature_holds(name: str, among: ExpressionSet | None = None) -> None:
    """Fail unless a feature knows nothing of the future, reads no more than its look-back, and has no scale.

    The bars are made up: one name splits, one rests and does not trade for a while. History is cut at 20 moments, and
    what follows is taken away or falsified; then all is computed again from as many bars as the feature declares.
    """
    one = _only(name, among or _own())
    for interval in sorted(one.intervals):
        wrong = f"{interval} bars: {name} changes with the scale of prices; use ratios of prices, such as close / open"
        assert laws.scale([one], interval) == [], wrong
        for violations in (laws.look_ahead([one], interval), laws.warm_up([one], interval, probes=laws.CUTS)):
            for violation in violations.head(1).iter_rows(named=True):
                raise AssertionError(f"{interval} bars: {in_words(violation)}")


def values_of(name: str, bars: Sequence[Bar], among: ExpressionSet | None = None) -> list[float | None]:
    """Values of a feature on daily bars (open, high, low, close, volume) of one name, oldest first, rounded to 6."""
    one = _only(name, among or _own())
    days = sessions(laws.EXCHANGE, date(2016, 1, 4), date(2018, 12, 31))[: len(bars)]
    columns = pl.DataFrame(list(bars), schema=["open", "high", "low", "close", "volume"], orient="row")
    frame = columns.select(pl.lit("A").alias("symbol"), pl.Series("date", days), pl.all().cast(pl.Float64))
    found = compute([one], frame, actions(), start=days[0], end=days[-1])[one.name]
    return found[name].cast(pl.Float64).round(6).to_list()


def _own() -> ExpressionSet:
    found = SETS.get(NAME)
    assert isinstance(found, ExpressionSet), "there is no feature of your own in trading_assets/features/own"
    return found


def _only(name: str, among: ExpressionSet) -> ExpressionSet:
    assert name in among.features, f"there is no feature {name!r} of your own; there are {', '.join(among.features)}"
    return among.only(name)
