"""Figures in messages: as people write them, with enough digits for what is said of them."""

from __future__ import annotations

import math

_MOST_DIGITS = 15


def figure(value: float, *, digits: int = 9) -> str:
    """A number with thousands separators and no more decimals than it has.

    Examples
    --------
    >>> figure(7634100.0), figure(0.25), figure(-1234.5)
    ('7,634,100', '0.25', '-1,234.5')
    """
    if not math.isfinite(value):
        return str(value)
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def apart(value: float, limit: float, *, digits: int = 2, percent: bool = False) -> tuple[str, str]:
    """A value and the limit that it is compared with, with as many decimals as tell them apart.

    Examples
    --------
    >>> apart(0.9499, 0.95)
    ('0.9499', '0.9500')
    >>> apart(0.010004, 0.01, percent=True)
    ('1.0004%', '1.0000%')
    """
    kind = "%" if percent else "f"
    for decimals in range(digits, _MOST_DIGITS):
        shown = f"{value:.{decimals}{kind}}", f"{limit:.{decimals}{kind}}"
        if shown[0] != shown[1] or value == limit:
            break
    return shown
