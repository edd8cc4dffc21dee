"""The stage of the backtest: its tables, assets and jobs."""

from trading_assets.backtest.assets import build_assets
from trading_assets.backtest.contract import CONTRACTS
from trading_assets.desk.stage import Stage, StageJob
from trading_assets.portfolio.stage import TRADING_JOB

STAGE = Stage(
    "backtest",
    contracts=lambda _: CONTRACTS,
    assets=build_assets,
    jobs=(StageJob(TRADING_JOB, lambda _: [contract.table for contract in CONTRACTS]),),
)
