"""Which models and books of a desk have no result, and why: one line each, with what is there and what is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import polars as pl

from trading_assets.backtest.contract import PNL
from trading_assets.desk.desk import Desk
from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.lake import Contract, LakeFrame
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.models.contract import TRAINED
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.specs import resolved_models
from trading_assets.portfolio.books import books
from trading_assets.predictions.contract import DAILY
from trading_assets.signals.contract import SCORES
from trading_assets.signals.inputs import ModelPredictions
from trading_assets.signals.registry import strategies

# Between the bars of a name, in days: daily bars have one, or three over a weekend.
_WEEKLY = 5


def missing_results(desk: Desk) -> list[str]:
    """Name each model that no month has trained and each book without P&L, with the reason and the remedy."""
    untrained = {name: _why_untrained(desk, spec) for name, spec in desk.part(resolved_models).items()}
    reasons = {name: reason for name, reason in untrained.items() if reason}
    lines = [*_other_intervals(desk), *(f"model {name} is not trained: {reason}" for name, reason in reasons.items())]
    return lines + [f"book {name} has no P&L: {reason}" for name, reason in _books_without_pnl(desk, set(reasons))]


def _why_untrained(desk: Desk, spec: ModelSpec) -> str | None:
    """What the last month with labels lacks; None for a model that some month has trained."""
    if _has_rows(desk, TRAINED, "model", spec.name):
        return None
    labels = LakeFrame(desk.lake, FORWARD_RETURN).read(["symbol", "date", "forward_return"])
    dates = LakeFrame(desk.lake, BARS_DAILY).read(["date"])["date"].unique().sort().to_list()
    if labels.is_empty():
        return f"there are no labels, which need bars of later sessions; there are bars of {len(dates)} sessions"
    if labels["symbol"].n_unique() == 1:
        return f"it compares names with each other, and there is 1 name, {labels['symbol'][0]}; give two or more"
    ended = [day for day, later in pairwise(dates) if (day.year, day.month) < (later.year, later.month)]
    if not ended:
        return f"it needs a month that has ended, and there are bars of {dates[0]} to {dates[-1]} alone"
    return _too_little(spec, labels, dates, ended[-1])


def _too_little(spec: ModelSpec, labels: pl.DataFrame, dates: Sequence[date], cut: date) -> str:
    """What a month's end has too little of."""
    found, needed = sum(day <= cut for day in dates), spec.min_sessions + spec.embargo_sessions
    if found < needed:
        return (
            f"{found} sessions up to {cut} found, {needed} needed ({spec.min_sessions} to learn from and "
            f"{spec.embargo_sessions} until their labels have ended); load earlier history, or lower min_sessions in a "
            "model of your own"
        )
    rows = labels.filter(pl.col("date") <= cut, pl.col("forward_return").is_finite()).height
    if rows < spec.min_rows:
        return f"{rows} labelled rows up to {cut} found, {spec.min_rows} needed to fit; load more names or history"
    return f"no month up to {cut} left enough rows to fit; the log of the run of train_models has the rows of each"


def _books_without_pnl(desk: Desk, untrained: set[str]) -> Iterator[tuple[str, str]]:
    known = desk.part(strategies)
    for name, book in desk.part(books).items():
        if _has_rows(desk, PNL, "book", name):
            continue
        strategy = known.get(book.strategy)
        models = (
            [one.model for one in strategy.inputs.values() if isinstance(one, ModelPredictions)] if strategy else []
        )
        without = [model for model in models if model in untrained or not _has_rows(desk, DAILY, "model", model)]
        if without:
            reason = f"its strategy {book.strategy} needs predictions of the model {', '.join(without)}, which has none"
        elif not _has_rows(desk, SCORES, "strategy", book.strategy):
            look_back = f", which looks back over {strategy.lookback} sessions" if strategy else ""
            reason = f"its strategy {book.strategy}{look_back}, has scored no session"
        else:
            reason = "no session follows its first rebalance"
        yield name, reason


def _other_intervals(desk: Desk) -> Iterator[str]:
    """Say that bars are further apart than sessions."""
    bars = LakeFrame(desk.lake, BARS_DAILY).read(["symbol", "date"]).sort("symbol", "date")
    apart = bars.select(days=pl.col("date").diff().over("symbol").dt.total_days())["days"].median()
    if isinstance(apart, float) and apart >= _WEEKLY:
        yield (
            f"the bars of a name are {apart:g} days apart, so they are not daily: look-backs and models count a bar as "
            "one session; give daily bars"
        )


def _has_rows(desk: Desk, contract: Contract, column: str, name: str) -> bool:
    named: dict[str, Any] = {column: name}
    return not LakeFrame(desk.lake, contract).read([column], **named).is_empty()
