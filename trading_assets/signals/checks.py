"""Checks of signals: a score depends on the predictions of its own session alone."""

from collections.abc import Mapping

import dagster as dg
import polars as pl

from trading_assets.lake import LakeFrame, Scope
from trading_assets.orchestration.checks import differing_from_stored, scope_check, stored_span
from trading_assets.orchestration.partitions import Partitions
from trading_assets.orchestration.resources import Desk
from trading_assets.point_in_time.lookahead import Compute, lookahead_violations, pick_cuts, warmup_violations
from trading_assets.predictions.contract import DAILY
from trading_assets.signals.contract import ML_ALPHA
from trading_assets.signals.strategies import STRATEGIES

CUTS = 3
_CHECKED_DAYS = 75
_KEY = ["symbol", "date"]
_SEED = 13


def build_checks(partitions: Partitions) -> list[dg.AssetChecksDefinition]:
    """Build the checks of this stage."""
    return [
        scope_check(
            ML_ALPHA,
            "look_ahead",
            partitions.strategy_sessions,
            f"Recomputed on predictions cut at {CUTS} sessions and with a falsified future, every score up to the cut "
            "is the same bits, and the stored one.",
            look_ahead,
        ),
        scope_check(
            ML_ALPHA,
            "warm_up",
            partitions.strategy_sessions,
            "A score depends on the predictions of its own session alone, not on how much history exists.",
            warm_up,
        ),
    ]


def look_ahead(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Violations of the look-ahead law by the newest scores of each strategy."""
    del run_id
    for strategy in STRATEGIES:
        prepared = _inputs(desk, scope, strategy)
        if prepared is None:
            continue
        compute, inputs, stored = prepared
        leaks = differing_from_stored(stored, compute(inputs), scope, _KEY)
        dates = stored["date"].unique()
        if leaks.is_empty() and dates.len() > CUTS:
            cuts = pick_cuts(dates, CUTS)
            leaks = lookahead_violations(
                compute, inputs, known_on={"predictions": "date"}, key=_KEY, cuts=cuts, poison_seed=_SEED
            )
        if leaks.height:
            return leaks
    return pl.DataFrame()


def warm_up(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Violations of the warm-up law by the newest scores of each strategy; the look-back is none."""
    del run_id
    for strategy in STRATEGIES:
        prepared = _inputs(desk, scope, strategy)
        if prepared is None:
            continue
        compute, inputs, stored = prepared
        leaks = warmup_violations(
            compute,
            inputs,
            history={"predictions": "date"},
            lookback=0,
            probes=stored["date"].unique().sort()[-1:].to_list(),
            key=_KEY,
        )
        if leaks.height:
            return leaks
    return pl.DataFrame()


def _inputs(desk: Desk, scope: Scope, strategy: str) -> tuple[Compute, dict[str, pl.DataFrame], pl.DataFrame] | None:
    from trading_assets.signals.ml_alpha import ml_alpha

    table = LakeFrame(desk.lake, ML_ALPHA)
    span = stored_span(table, scope, _CHECKED_DAYS)
    if span is None or strategy not in (scope.values.get("strategy") or STRATEGIES):
        return None
    stored = table.read(start=span[0], end=span[1], strategy=strategy)
    if stored.is_empty():
        return None
    predictions = LakeFrame(desk.lake, DAILY).read(start=span[0], end=span[1], model=STRATEGIES[strategy])

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        return ml_alpha(frames["predictions"], strategy=strategy).select(stored.columns)

    return compute, {"predictions": predictions}, stored
