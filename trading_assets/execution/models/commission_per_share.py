"""Commission per share and per value, with a minimum."""

from typing import Literal, NamedTuple

from trading_assets.execution.roles import BASIS_POINT, BasisPoints, CommissionModel, NonNegative, Trade


class PerShare(NamedTuple):
    """Parameters of `PerShareCommission`."""

    commission_per_share: float
    commission_bps: float
    min_commission: float

    def commission(self, trade: Trade) -> float:
        """Commission in currency: per share plus a part of the value, at least the minimum."""
        fee = abs(trade.quantity) * (self.commission_per_share + trade.price * self.commission_bps * BASIS_POINT)
        return max(fee, self.min_commission)


class PerShareCommission(CommissionModel):
    """An amount per share plus a part of the traded value, at least a minimum.

    Attributes
    ----------
    commission_per_share : float
        Currency per share.
    commission_bps : float
        Basis points (1e-4) of the traded value.
    min_commission : float
        Least commission of one trade, in currency.
    """

    kind: Literal["per_share"] = "per_share"
    commission_per_share: NonNegative = 0.0
    commission_bps: BasisPoints = 1.0
    min_commission: NonNegative = 0.0

    def parameters(self) -> PerShare:
        """Parameters for compiled code."""
        return PerShare(self.commission_per_share, self.commission_bps, self.min_commission)
