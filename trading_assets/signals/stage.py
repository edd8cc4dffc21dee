"""The stage of signals: its tables, assets, checks and jobs."""

from __future__ import annotations

from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions, tags_of_months
from trading_assets.desk.stage import Span, Stage, StageJob
from trading_assets.signals.assets import build_assets
from trading_assets.signals.checks import CHECKS
from trading_assets.signals.contract import CONTRACTS
from trading_assets.signals.registry import strategies

SIGNAL_JOB = "signal"


def _tags(desk: Desk, span: Span) -> dict[str, str] | None:
    definition = desk.part(desk_partitions).by_month("strategy", desk.part(strategies))
    return tags_of_months(definition, span.first, span.last)


STAGE = Stage(
    "signals",
    contracts=lambda _: CONTRACTS,
    assets=build_assets,
    checks=lambda _: CHECKS,
    jobs=(StageJob(SIGNAL_JOB, lambda _: [contract.table for contract in CONTRACTS], _tags),),
)
