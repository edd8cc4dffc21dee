"""Commission per trade."""

from typing import Literal, NamedTuple

from trading_assets.execution.roles import CommissionModel, NonNegative, Trade


class PerTrade(NamedTuple):
    """Parameters of `PerTradeCommission`."""

    commission_per_trade: float

    def commission(self, _trade: Trade) -> float:
        """Commission in currency: the same for every trade."""
        return self.commission_per_trade


class PerTradeCommission(CommissionModel):
    """A fixed amount per filled order, however large it is.

    An order that fills in several parts at different times pays it for each of them.

    Attributes
    ----------
    commission_per_trade : float
        Currency per trade.
    """

    kind: Literal["per_trade"] = "per_trade"
    commission_per_trade: NonNegative

    def parameters(self) -> PerTrade:
        """Parameters for compiled code."""
        return PerTrade(self.commission_per_trade)
