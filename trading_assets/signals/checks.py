"""Checks of signals: a score knows nothing of later sessions and no more of earlier ones than its strategy declares."""

from collections.abc import Iterator
from functools import partial

import polars as pl

from trading_assets.desk.checks import scope_check
from trading_assets.desk.desk import Desk
from trading_assets.desk.recomputation import Recomputation, point_in_time_check, stored_span
from trading_assets.lake import LakeFrame, Scope
from trading_assets.market_data.contract import MEMBERSHIP
from trading_assets.market_data.universe import members_only
from trading_assets.signals.contract import SCORES
from trading_assets.signals.declaration import Strategy
from trading_assets.signals.registry import strategies

_CHECKED_DAYS = 75


def recompute(desk: Desk, scope: Scope, run_id: str) -> Iterator[Recomputation]:
    """Newest scores of each strategy of the scope."""
    del run_id
    known = desk.part(strategies)
    for name in scope.values.get("strategy") or known:
        yield from _recompute(desk, scope, known[name])


def _recompute(desk: Desk, scope: Scope, one: Strategy) -> Iterator[Recomputation]:
    """Scores made month by month are compared with those stored; the laws are checked on all rows at once.

    More history than the look-back is read, so that a look-back which is declared too short changes the scores.
    """
    from trading_assets.signals.reading import stored_rows
    from trading_assets.signals.scoring import first_day_read, monthly_scores, scores_at_once

    table = LakeFrame(desk.lake, SCORES)
    span = stored_span(table, scope, _CHECKED_DAYS)
    if span is None:
        return
    first, last = max(span[0], desk.settings.start), span[1]
    rows, silence = stored_rows(desk, one, first_day_read(one, first), last), desk.settings.quality.relisted_after
    yield Recomputation(
        partial(scores_at_once, one, relisted_after=silence),
        inputs=rows,
        stored=table.read(start=first, end=last, strategy=one.name),
        known_on=dict.fromkeys(rows, "date"),
        history=dict.fromkeys(rows, "date"),
        lookback=one.lookback,
        made=monthly_scores(one, rows, first, last, silence),
    )


def chosen_in_hindsight(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Names of the scope that were scored on days before the list that made them members."""
    del run_id
    first, last = scope.window() if scope.start else (None, None)
    scored = LakeFrame(desk.lake, SCORES).read(["date", "symbol"], start=first, end=last)
    members = members_only(scored.unique(), LakeFrame(desk.lake, MEMBERSHIP).read())
    return (
        members.filter(pl.col("basis") == "hindsight")
        .group_by("symbol", "listed_on")
        .agg(first_date=pl.col("date").min(), last_date=pl.col("date").max(), sessions=pl.len())
        .with_columns(remedy=pl.lit("results have survivorship bias; set universe: {kind: index} with dated lists"))
        .sort("symbol")
    )


CHECKS = (
    point_in_time_check(SCORES, recompute),
    scope_check(
        SCORES,
        "survivorship",
        "No name is scored on a day before the list that made it a member of the universe was made.",
        chosen_in_hindsight,
        blocking=False,
    ),
)
