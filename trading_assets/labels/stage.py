"""The stage of labels: its tables, assets and jobs."""

from trading_assets.desk.stage import Stage, StageJob
from trading_assets.labels.assets import build_assets
from trading_assets.labels.contract import CONTRACTS, FORWARD_RETURN
from trading_assets.market_data.stage import PANEL_JOB

STAGE = Stage(
    "labels",
    contracts=lambda _: CONTRACTS,
    assets=build_assets,
    jobs=(StageJob(PANEL_JOB, lambda _: [FORWARD_RETURN.table]),),
)
