"""Execution models that tests trade with."""

from __future__ import annotations

from trading_assets.execution.costs import commission, fill_price
from trading_assets.execution.models import ExecutionModels
from trading_assets.execution.models.commission_per_trade import PerTradeCommission
from trading_assets.execution.roles import CommissionModel, SlippageModel, Trade


def models(
    per_share: float = 0.0, bps: float = 0.0, minimum: float = 0.0, half_spread_bps: float = 0.0, impact: float = 0.0
) -> ExecutionModels:
    """Commission per share and per value with a minimum, half a spread and square-root impact."""
    return ExecutionModels.model_validate(
        {
            "commission_per_share": per_share,
            "commission_bps": bps,
            "min_commission": minimum,
            "half_spread_bps": half_spread_bps,
            "impact_coefficient": impact,
        }
    )


FREE = models()
PROPORTIONAL = models(0.0, 1.5, 0.0, 4.0, 0.05)
FULL = models(0.005, 1.5, 1.0, 4.0, 0.05)
PER_TRADE = FULL.model_copy(update={"commission": PerTradeCommission(commission_per_trade=7.0)})


def charged(model: CommissionModel, quantity: float, price: float, volume: float = 1e6) -> float:
    """Commission that compiled code charges for a trade."""
    return commission(Trade(quantity, price, volume), model.parameters())


def paid(model: SlippageModel, quantity: float, price: float, volume: float) -> float:
    """Price that compiled code pays for a trade."""
    return fill_price(Trade(quantity, price, volume), model.parameters())
