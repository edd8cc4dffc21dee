"""The numbers of a request: which quantities, amounts and prices the protocol takes, read as exact decimals.

Prices of 1 and more have cents, lower ones hundredths of a cent; an amount of money is at least 1 and has cents; a
quantity has the decimals of the smallest fraction of a share. A decimal is read as the client wrote it, so that no
digit is lost before it is looked at.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from trading_assets.brokers.embedded.refusals import invalid, refused
from trading_assets.execution.roles import SHARE_DECIMALS

_WHOLE = Decimal(1)
_CENTS = 2
_BELOW_ONE = 4


def quantity_of(name: str, value: Any) -> float:
    """Shares of a request.

    Raises
    ------
    ApiError
        422: not a number above 0, or more decimals than the smallest fraction of a share has.
    """
    found = _decimal(name, value)
    if _decimals(found) > SHARE_DECIMALS:
        raise refused(f"{name} must be limited to {SHARE_DECIMALS} decimal places")
    return float(found)


def amount_of(name: str, value: Any) -> float:
    """Money of a request, in currency.

    Raises
    ------
    ApiError
        422: not a number above 0, below 1, or with fractions of a cent.
    """
    found = _decimal(name, value)
    if found < _WHOLE:
        raise refused(f"{name} amount must be >= 1.00")
    if _decimals(found) > _CENTS:
        raise refused(f"{name} amount must be limited to {_CENTS} decimal places")
    return float(found)


def price_of(name: str, value: Any) -> float:
    """Price of a request, in currency per share.

    Raises
    ------
    ApiError
        422: not a number above 0, or between two increments of price.
    """
    found = _decimal(name, value)
    if _decimals(found) > _price_decimals(found):
        raise refused(f"invalid {name} {found:f}. sub-penny increment does not fulfill minimum pricing criteria")
    return float(found)


def nearest_price(price: float, *, is_lower: bool) -> float:
    """A price on the increments: the next one below or above, or the price itself if it is one.

    Parameters
    ----------
    price : float
        In currency per share, above 0.
    is_lower : bool
        Whether to look below; the lowest price is one increment.
    """
    exact = Decimal(repr(float(price)))
    step = Decimal(1).scaleb(-_price_decimals(exact))
    rounded = exact.quantize(step, ROUND_FLOOR if is_lower else ROUND_CEILING)
    return float(max(rounded, step))


def _decimal(name: str, value: Any) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise invalid(f"{name} is not a number: {value!r}") from None
    if not found.is_finite() or found <= 0:
        raise invalid(f"{name} must be > 0")
    return found


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(-int(exponent), 0)


def _price_decimals(price: Decimal) -> int:
    return _CENTS if price >= _WHOLE else _BELOW_ONE
