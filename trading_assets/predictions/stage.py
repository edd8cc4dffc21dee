"""The stage of predictions: its tables, assets, checks and jobs."""

from __future__ import annotations

from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions, tags_of_months
from trading_assets.desk.stage import Span, Stage, StageJob
from trading_assets.models.specs import models
from trading_assets.predictions.assets import build_assets
from trading_assets.predictions.checks import CHECKS
from trading_assets.predictions.contract import CONTRACTS

PREDICTION_JOB = "predict"


def _tags(desk: Desk, span: Span) -> dict[str, str] | None:
    return tags_of_months(desk.part(desk_partitions).by_month("model", desk.part(models)), span.first, span.last)


STAGE = Stage(
    "predictions",
    contracts=lambda _: CONTRACTS,
    assets=build_assets,
    checks=lambda _: CHECKS,
    jobs=(StageJob(PREDICTION_JOB, lambda _: [contract.table for contract in CONTRACTS], _tags),),
)
