"""Checks of predictions: each session scored from its own features by a model that was trained before it."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.desk.recomputation import Recomputation, point_in_time_check, stored_span
from trading_assets.features.matrix.matrix import Matrix
from trading_assets.lake import LakeFrame, Scope
from trading_assets.models.contract import TRAINED
from trading_assets.predictions.contract import DAILY

_CHECKED_DAYS = 75
_LONGEST_MONTH = timedelta(days=31)


def recompute(desk: Desk, scope: Scope, run_id: str) -> Iterator[Recomputation]:
    """Newest predictions of each model of the scope; they depend on the features of their own session alone."""
    del run_id
    known = LakeFrame(desk.lake, DAILY).read(["model"])["model"].unique().sort().to_list()
    wanted = scope.values.get("model")
    for model in known:
        if wanted is None or model in wanted:
            yield from _recompute(desk, scope, model)


def _recompute(desk: Desk, scope: Scope, model: str) -> Iterator[Recomputation]:
    from trading_assets.models.registry import load
    from trading_assets.predictions.predict import predict

    table = LakeFrame(desk.lake, DAILY)
    span = stored_span(table, scope, _CHECKED_DAYS)
    if span is None:
        return
    first, last = span[0].replace(day=1), span[1]
    stored = table.read(start=first, end=last, model=model)
    if stored.is_empty():
        return
    trained = LakeFrame(desk.lake, TRAINED).read(start=first - _LONGEST_MONTH, end=last, model=model)
    boosters = {
        row["model_hash"]: load(model, row["registry_version"], tracking_uri=desk.mlflow_uri)
        for row in trained.iter_rows(named=True)
    }

    columns = dict.fromkeys(name for booster in boosters.values() for name in booster.feature_name())

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        known = [(cut, name, boosters[name]) for cut, name in frames["models"].iter_rows()]
        return predict(frames["features"], known, model=model).select(stored.columns)

    yield Recomputation(
        compute,
        inputs={
            "features": Matrix().read(desk.lake, list(columns), first, last),
            "models": trained.select(trained_through="date", model_hash="model_hash"),
        },
        stored=stored,
        known_on={"features": "date", "models": "trained_through"},
        history={"features": "date"},
    )


CHECKS = (point_in_time_check(DAILY, recompute),)
