"""What a fill costs: commission, half of the spread, and market impact."""

import math

from trading_assets.desk.compiled import numba_compiled
from trading_assets.portfolio.books import CostModel

BASIS_POINT = 1e-4


@numba_compiled
def commission(quantity: float, price: float, costs: CostModel) -> float:
    """Commission of one fill: per share plus a part of the value, at least the minimum.

    Parameters
    ----------
    quantity : float
        Shares filled, not signed.
    price : float
        Price of the fill, in currency per share.
    costs : CostModel
        The book's cost model.

    Returns
    -------
    float
        Currency; 0 when nothing is filled.
    """
    if quantity == 0.0:
        return 0.0
    fee = quantity * (costs.commission_per_share + price * costs.commission_bps * BASIS_POINT)
    return max(fee, costs.min_commission)


@numba_compiled
def slippage_rate(quantity: float, volume: float, costs: CostModel) -> float:
    """Distance of the fill price from the open, as a fraction of the open.

    Half of the spread plus the square-root law of market impact, I = Y sigma sqrt(Q / V), for Q shares in a session of
    volume V, daily volatility sigma and Y near 1 (B. Toth et al. (2011), "Anomalous price impact and the critical
    nature of liquidity in financial markets", Physical Review X 1, 021006, eq. 1). `impact_coefficient` is Y sigma, a
    constant of the book.

    Parameters
    ----------
    quantity : float
        Shares filled, not signed.
    volume : float
        Volume of the session in shares, above 0.
    costs : CostModel
        The book's cost model.

    Returns
    -------
    float
        At least 0; buys pay it above the open, sells receive it below.
    """
    return costs.half_spread_bps * BASIS_POINT + costs.impact_coefficient * math.sqrt(quantity / volume)


@numba_compiled
def fill_price(quantity: float, open_price: float, volume: float, costs: CostModel) -> float:
    """Price of a fill at a session's open.

    Parameters
    ----------
    quantity : float
        Shares filled, positive to buy and negative to sell.
    open_price : float
        Raw open of the session, in currency per share.
    volume : float
        Volume of the session in shares, above 0.
    costs : CostModel
        The book's cost model.

    Returns
    -------
    float
        Currency per share: open x (1 +- `slippage_rate`).
    """
    return open_price * (1.0 + math.copysign(slippage_rate(abs(quantity), volume, costs), quantity))
