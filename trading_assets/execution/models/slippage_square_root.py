"""Slippage of half the spread and the square-root law of market impact."""

import math
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from trading_assets.execution.roles import BASIS_POINT, BasisPoints, SlippageModel, Trade


class SquareRoot(NamedTuple):
    """Parameters of `SquareRootSlippage`."""

    half_spread_bps: float
    impact_coefficient: float

    def slippage_rate(self, trade: Trade) -> float:
        """Distance from the market's price, as a fraction of it."""
        impact = self.impact_coefficient * math.sqrt(abs(trade.quantity) / trade.volume)
        return self.half_spread_bps * BASIS_POINT + impact


class SquareRootSlippage(SlippageModel):
    """Half of the spread plus impact that grows with the square root of the participation.

    The square-root law of market impact is I = Y sigma sqrt(Q / V), for Q shares in a session of volume V, daily
    volatility sigma and Y near 1: B. Toth et al. (2011), "Anomalous price impact and the critical nature of liquidity
    in financial markets", Physical Review X 1, 021006, eq. 1. `impact_coefficient` is Y sigma, a constant of the book.

    Attributes
    ----------
    half_spread_bps : float
        Half of the bid-ask spread, in basis points of the market's price.
    impact_coefficient : float
        Impact at a participation of 100 %, as a fraction of the market's price.
    """

    kind: Literal["square_root"] = "square_root"
    half_spread_bps: BasisPoints = 2.0
    impact_coefficient: Annotated[float, Field(ge=0, le=1)] = 0.01

    def parameters(self) -> SquareRoot:
        """Parameters for compiled code."""
        return SquareRoot(self.half_spread_bps, self.impact_coefficient)
