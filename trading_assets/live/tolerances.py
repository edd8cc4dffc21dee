"""By how much two accounts of the same thing may differ before they disagree."""

from typing import TypeVar

import polars as pl

_CENT, _RELATIVE_CASH_ERROR = 0.01, 1e-6
SHARE_ERROR = 1e-9
Amount = TypeVar("Amount", float, pl.Expr)


def cash_tolerance(cash: Amount) -> Amount:
    """Of cash: a cent, and a millionth of it."""
    return _CENT + _RELATIVE_CASH_ERROR * abs(cash)


def share_tolerance(quantity: Amount) -> Amount:
    """Of a number of shares: what sums of fractions are rounded by."""
    return SHARE_ERROR * (1 + abs(quantity))
