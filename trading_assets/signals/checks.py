"""Checks of signals: a score depends on the predictions of its own session alone."""

from collections.abc import Iterator, Mapping

import polars as pl

from trading_assets.desk.checks import scope_check
from trading_assets.desk.desk import Desk
from trading_assets.desk.recomputation import Recomputation, point_in_time_check, stored_span
from trading_assets.lake import LakeFrame, Scope
from trading_assets.market_data.contract import MEMBERSHIP
from trading_assets.market_data.universe import members_only
from trading_assets.predictions.contract import DAILY
from trading_assets.signals.contract import ML_ALPHA
from trading_assets.signals.strategies import STRATEGIES

_CHECKED_DAYS = 75


def recompute(desk: Desk, scope: Scope, run_id: str) -> Iterator[Recomputation]:
    """Newest scores of each strategy of the scope."""
    del run_id
    from trading_assets.signals.ml_alpha import ml_alpha

    table = LakeFrame(desk.lake, ML_ALPHA)
    span = stored_span(table, scope, _CHECKED_DAYS)
    if span is None:
        return
    for strategy in scope.values.get("strategy") or STRATEGIES:
        stored = table.read(start=span[0], end=span[1], strategy=strategy)
        if stored.is_empty():
            continue

        def compute(
            frames: Mapping[str, pl.DataFrame], strategy: str = strategy, columns: list[str] = stored.columns
        ) -> pl.DataFrame:
            return ml_alpha(frames["predictions"], strategy=strategy).select(columns)

        predictions = LakeFrame(desk.lake, DAILY).read(start=span[0], end=span[1], model=STRATEGIES[strategy])
        yield Recomputation(
            compute,
            inputs={"predictions": members_only(predictions, LakeFrame(desk.lake, MEMBERSHIP).read())},
            stored=stored,
            known_on={"predictions": "date"},
            history={"predictions": "date"},
        )


def chosen_in_hindsight(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Names of the scope that were scored on days before the list that made them members."""
    del run_id
    first, last = scope.window() if scope.start else (None, None)
    scored = LakeFrame(desk.lake, ML_ALPHA).read(["date", "symbol"], start=first, end=last)
    members = members_only(scored.unique(), LakeFrame(desk.lake, MEMBERSHIP).read())
    return (
        members.filter(pl.col("basis") == "hindsight")
        .group_by("symbol", "listed_on")
        .agg(first_date=pl.col("date").min(), last_date=pl.col("date").max(), sessions=pl.len())
        .with_columns(remedy=pl.lit("results are those of survivors; give universe: {kind: index} with dated lists"))
        .sort("symbol")
    )


CHECKS = (
    point_in_time_check(ML_ALPHA, recompute),
    scope_check(
        ML_ALPHA,
        "survivorship",
        "No name is scored on a day before the list that made it a member of the universe was made.",
        chosen_in_hindsight,
        blocking=False,
    ),
)
