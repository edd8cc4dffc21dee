"""What every feature in Python must satisfy, and its values on bars that a test writes down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.desk.own_work import Fault, OwnWork
from trading_assets.features.compute import compute
from trading_assets.features.expressions import NAME, ExpressionSet
from trading_assets.features.sets import sets_with
from trading_assets.features.sql.sets import sets_with as sql_sets_with
from trading_assets.point_in_time.explain import in_words
from trading_assets.testing import laws
from trading_assets.testing.bars import EXCHANGE, corporate_actions

Bar = tuple[float, float, float, float, float]
Own = Path | ExpressionSet


def check_feature(name: str, own: Own) -> None:
    """Fail unless a feature satisfies the rules of features, on made-up bars of every interval that it exists for.

    It must know nothing of the future, read no more than its look-back, not depend on the scale of prices, and have
    the same bits when it is computed again. Of the three names one splits and one does not trade for a while. History
    is cut at 20 moments, and what follows is removed or falsified; then everything is computed again from as many bars
    as the feature declares.

    Parameters
    ----------
    name
        Name of the feature.
    own
        Folder of the user's own work, or a set of features.

    Raises
    ------
    AssertionError
        A rule is broken, there is no such feature, or its file cannot be used; the message says which and where.
    """
    one = _only(name, own)
    for interval in sorted(one.intervals):
        _require(not laws.unknown([one], interval), f"{interval} bars: {name} has no value on any of 2,100 bars")
        again = f"{name} has other values when it is computed again; it must depend on the bars of its name alone"
        _require(not laws.unrepeatable([one], interval), f"{interval} bars: {again}")
        wrong = f"{name} changes with the scale of prices; use ratios of prices, such as close / open"
        _require(not laws.scale([one], interval), f"{interval} bars: {wrong}")
        for violations in (laws.look_ahead([one], interval), laws.warm_up([one], interval, probes=laws.CUTS)):
            for violation in violations.head(1).iter_rows(named=True):
                _require(False, f"{interval} bars: {in_words(violation)}")


def feature_values(name: str, bars: Sequence[Bar], own: Own) -> list[float | None]:
    """Values of a feature on daily bars of one name.

    Parameters
    ----------
    name
        Name of the feature.
    bars
        Rows of open, high, low, close and volume, oldest first.
    own
        Folder of the user's own work, or a set of features.

    Returns
    -------
    list of float or None
        One value per bar in double precision; None where it is unknown.
    """
    one = _only(name, own)
    days = sessions(EXCHANGE, date(2016, 1, 4), date(2019, 12, 31))[: len(bars)]
    columns = pl.DataFrame(list(bars), schema=["open", "high", "low", "close", "volume"], orient="row")
    frame = columns.select(pl.lit("A").alias("symbol"), pl.Series("date", days), pl.all().cast(pl.Float64))
    found = compute([one], frame, corporate_actions(), start=days[0], end=days[-1], dtype=np.float64)[one.name]
    return found[name].to_list()


def _only(name: str, own: Own) -> ExpressionSet:
    found, faults = (own, ()) if isinstance(own, ExpressionSet) else _set_in(own)
    names = found.features if found else ()
    if found is None or name not in names:
        there = f"there are {', '.join(names)}" if names else "there is none"
        raise AssertionError("; ".join([f"there is no feature {name!r} of your own; {there}", *map(str, faults)]))
    return found.only(name)


def _set_in(folder: Path) -> tuple[ExpressionSet | None, Sequence[Fault]]:
    work = OwnWork(folder)
    found = sets_with(work, sql_sets_with(work).values()).get(NAME)
    return (found if isinstance(found, ExpressionSet) else None), work.faults


def _require(is_satisfied: bool, message: str) -> None:
    if not is_satisfied:
        raise AssertionError(message)
