"""Costs of a trade: the commission and the slippage of a book's models, in compiled code."""

import math

from trading_assets.desk.compiled import compiled_method, numba_compiled
from trading_assets.execution.roles import CommissionFormula, SlippageFormula, Trade

_commission_of = compiled_method("commission")
_slippage_rate_of = compiled_method("slippage_rate")


@numba_compiled
def commission(trade: Trade, model: CommissionFormula) -> float:
    """Commission of a trade.

    Parameters
    ----------
    trade : Trade
        Shares, the price paid for them, and the session's volume.
    model : CommissionFormula
        Parameters of the book's commission model.

    Returns
    -------
    float
        Currency; 0 when nothing is traded.
    """
    if trade.quantity == 0.0:
        return 0.0
    return _commission_of(model, trade)


@numba_compiled
def fill_price(trade: Trade, model: SlippageFormula) -> float:
    """Price paid for a trade.

    Parameters
    ----------
    trade : Trade
        Shares, the market's price of them, and the session's volume.
    model : SlippageFormula
        Parameters of the book's slippage model.

    Returns
    -------
    float
        Currency per share: the market's price x (1 + rate) for buys, x (1 - rate) for sells.
    """
    return trade.price * (1.0 + math.copysign(_slippage_rate_of(model, trade), trade.quantity))
