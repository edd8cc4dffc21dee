"""Checks of predictions: each session scored from its own features by a model that was trained before it."""

from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg
import polars as pl

from trading_assets.features.contract import CROSS_SECTION, TECHNICAL
from trading_assets.features.panel import model_features
from trading_assets.lake import LakeFrame, Scope
from trading_assets.models.contract import TRAINED
from trading_assets.orchestration.checks import differing_from_stored, scope_check, stored_span
from trading_assets.orchestration.partitions import Partitions
from trading_assets.orchestration.resources import Desk
from trading_assets.point_in_time.lookahead import Compute, lookahead_violations, pick_cuts, warmup_violations
from trading_assets.predictions.contract import DAILY

CUTS = 3
_CHECKED_DAYS = 75
_KEY = ["symbol", "date"]
_SEED = 12


def build_checks(partitions: Partitions) -> list[dg.AssetChecksDefinition]:
    """Build the checks of this stage."""
    return [
        scope_check(
            DAILY,
            "look_ahead",
            partitions.model_sessions,
            f"Recomputed on features and models cut at {CUTS} sessions and with a falsified future, every prediction "
            "up to the cut is the same bits, and the stored one.",
            look_ahead,
        ),
        scope_check(
            DAILY,
            "warm_up",
            partitions.model_sessions,
            "A prediction depends on the features of its own session alone, not on how much history exists.",
            warm_up,
        ),
    ]


def look_ahead(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Violations of the look-ahead law by the newest predictions of each model."""
    del run_id
    found = []
    for model in _models(desk, scope):
        prepared = _inputs(desk, scope, model)
        if prepared is None:
            continue
        compute, inputs, stored = prepared
        leaks = differing_from_stored(stored, compute(inputs), scope, _KEY)
        dates = stored["date"].unique()
        if leaks.is_empty() and dates.len() > CUTS:
            leaks = lookahead_violations(
                compute,
                inputs,
                known_on={"features": "date", "models": "trained_through"},
                key=_KEY,
                cuts=pick_cuts(dates, CUTS),
                poison_seed=_SEED,
            )
        found.append(leaks)
    return pl.concat([frame for frame in found if frame.height] or [pl.DataFrame()])


def warm_up(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Violations of the warm-up law by the newest predictions of each model; the look-back is none."""
    del run_id
    found = [pl.DataFrame()]
    for model in _models(desk, scope):
        prepared = _inputs(desk, scope, model)
        if prepared is not None:
            compute, inputs, stored = prepared
            probes = stored["date"].unique().sort()[-1:].to_list()
            found.append(
                warmup_violations(compute, inputs, history={"features": "date"}, lookback=0, probes=probes, key=_KEY)
            )
    return next((frame for frame in found if frame.height), pl.DataFrame())


def _models(desk: Desk, scope: Scope) -> list[str]:
    known = LakeFrame(desk.lake, DAILY).read(["model"])["model"].unique().sort().to_list()
    wanted = scope.values.get("model")
    return [model for model in known if wanted is None or model in wanted]


def _inputs(desk: Desk, scope: Scope, model: str) -> tuple[Compute, dict[str, pl.DataFrame], pl.DataFrame] | None:
    from trading_assets.models.registry import load
    from trading_assets.predictions.predict import predict

    table = LakeFrame(desk.lake, DAILY)
    span = stored_span(table, scope, _CHECKED_DAYS)
    if span is None:
        return None
    first, last = _month_start(span[0]), span[1]
    stored = table.read(start=first, end=last, model=model)
    trained = LakeFrame(desk.lake, TRAINED).read(start=first - timedelta(days=40), end=last, model=model)
    if stored.is_empty():
        return None
    boosters = {
        row["model_hash"]: load(model, row["registry_version"], tracking_uri=desk.mlflow_uri)
        for row in trained.iter_rows(named=True)
    }

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        known = [(cut, name, boosters[name]) for cut, name in frames["models"].iter_rows()]
        return predict(frames["features"], known, model=model).select(stored.columns)

    features = model_features(LakeFrame(desk.lake, TECHNICAL), LakeFrame(desk.lake, CROSS_SECTION), first, last)
    models = trained.select(trained_through="date", model_hash="model_hash")
    return compute, {"features": features, "models": models}, stored


def _month_start(day: date) -> date:
    return day.replace(day=1)
