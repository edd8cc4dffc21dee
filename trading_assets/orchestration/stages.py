"""The stages of a desk in the order data flows, and what they have together: contracts, checks, jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trading_assets.backtest.stage import STAGE as BACKTEST
from trading_assets.desk.checks import ScopeCheck
from trading_assets.desk.desk import Desk
from trading_assets.desk.stage import Asset, Stage, StageJob
from trading_assets.features.drift.stage import STAGE as DRIFT
from trading_assets.features.stage import STAGE as FEATURES
from trading_assets.labels.stage import STAGE as LABELS
from trading_assets.lake.contracts import Contract
from trading_assets.live.stage import STAGE as LIVE
from trading_assets.market_data.stage import STAGE as MARKET_DATA
from trading_assets.models.stage import STAGE as MODELS
from trading_assets.orchestration.maintenance import STAGE as CATALOG
from trading_assets.orchestration.own_files import STAGE as OWN_FILES
from trading_assets.portfolio.stage import STAGE as PORTFOLIO
from trading_assets.predictions.stage import STAGE as PREDICTIONS
from trading_assets.reports.stage import STAGE as REPORTS
from trading_assets.signals.stage import STAGE as SIGNALS

STAGES: Sequence[Stage] = (
    MARKET_DATA,
    FEATURES,
    LABELS,
    MODELS,
    PREDICTIONS,
    SIGNALS,
    PORTFOLIO,
    BACKTEST,
    LIVE,
    REPORTS,
    DRIFT,
    CATALOG,
    OWN_FILES,
)
"""A new stage is one entry."""


def contracts(desk: Desk) -> Mapping[str, Contract]:
    """Contracts of all tables that a desk may have, by table."""
    return {contract.table: contract for stage in STAGES for contract in stage.contracts(desk)}


def assets(desk: Desk) -> Sequence[Asset]:
    """All assets of a desk."""
    return [asset for stage in STAGES for asset in desk.part(stage.assets)]


def checks(desk: Desk) -> Sequence[ScopeCheck]:
    """Checks of all tables, besides those of their contracts."""
    return [check for stage in STAGES for check in stage.checks(desk)]


def jobs(desk: Desk) -> Mapping[str, StageJob]:
    """Jobs by name, in the order of the stages; what several stages add to a job of one name is made in one run."""
    del desk
    found: dict[str, StageJob] = {}
    for job in (job for stage in STAGES for job in stage.jobs):
        known = found.get(job.name)
        found[job.name] = job if known is None else _joined(known, job)
    return found


def _joined(first: StageJob, second: StageJob) -> StageJob:
    return StageJob(first.name, lambda desk: [*first.tables(desk), *second.tables(desk)], first.tags)
