"""The stage of models: its tables, assets and jobs."""

from __future__ import annotations

from datetime import timedelta

from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions, tags_of_months
from trading_assets.desk.stage import Span, Stage, StageJob
from trading_assets.models.assets import build_assets
from trading_assets.models.contract import contracts
from trading_assets.models.specs import models

TRAINING_JOB = "train_models"


def tags_of_training(desk: Desk, span: Span) -> dict[str, str] | None:
    """Months that ended, from the one before the first session: its model scores the first session."""
    definition = desk.part(desk_partitions).by_ended_month("model", desk.part(models))
    return tags_of_months(definition, span.first.replace(day=1) - timedelta(days=1), span.last)


STAGE = Stage(
    "models",
    contracts=contracts,
    assets=build_assets,
    jobs=(StageJob(TRAINING_JOB, lambda desk: [contract.table for contract in contracts(desk)], tags_of_training),),
)
