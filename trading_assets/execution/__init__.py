"""Execution: the pure rules that a simulated and a real account share.

What lives here: models of commission, slippage and fills (`models`, one file each) and their roles (`roles`), what a
trade costs by them (`costs`), how orders fill (`fills`), order planning (`orders`), position accounting (`accounting`)
and the limits of a session's orders (`risk`).
What not: the ledger, tables and partitions (`backtest`), connections to a broker (`brokers`), books (`portfolio`).
"""

from trading_assets.execution.models import ExecutionModels
from trading_assets.execution.risk import LiveRules
from trading_assets.execution.roles import CommissionModel, FillModel, SlippageModel, TradingRules

__all__ = ["CommissionModel", "ExecutionModels", "FillModel", "LiveRules", "SlippageModel", "TradingRules"]
